"""Who has an account at the providers here, and what the demo provider's scopes mean."""

from dataclasses import dataclass

SCOPES = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your e-mail address",
    "offline_access": "Keep its access while you are away",
    "notes:read": "Read your notes",
    "notes:write": "Read, add and change your notes",
}


@dataclass(frozen=True)
class User:
    """Somebody with an account here. `number` is for providers whose ids are numbers."""

    login: str
    sub: str
    number: int
    name: str
    email: str
    notes: tuple[str, ...]


USERS = {
    "alice": User(
        "alice", "demo-7f3a51", 1001, "Alice Almeida", "alice@demo.example", ("Buy oranges", "Call Bob back")
    ),
    "bob": User(
        "bob", "demo-c20d98", 1002, "Bob Baumann", "bob@demo.example", ("Water the ficus", "Read RFC 9700 again")
    ),
}
