"""The users of the simulated providers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """A user with an account here. `number` is for providers with numeric ids."""

    login: str
    sub: str
    number: int
    name: str
    email: str
    notes: tuple[str, ...]
    events: tuple[str, ...]


USERS = {
    "alice": User(
        "alice",
        "demo-7f3a51",
        1001,
        "Alice Almeida",
        "alice@demo.example",
        ("Buy oranges", "Call Bob back"),
        ("Mon 09:30 Dentist", "Thu 18:00 Choir with Bob"),
    ),
    "bob": User(
        "bob",
        "demo-c20d98",
        1002,
        "Bob Baumann",
        "bob@demo.example",
        ("Water the ficus", "Read RFC 9700 again"),
        ("Tue 07:15 Train to Basel", "Thu 18:00 Choir with Alice"),
    ),
}
