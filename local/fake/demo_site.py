"""The two demo providers: their names, the items of their users, and the meaning of their scopes."""

from collections.abc import Callable
from dataclasses import dataclass

from local.fake.people import User

_SIGN_IN = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your email address",
    "offline_access": "Keep its access while you are away",
}


@dataclass(frozen=True)
class DemoSite:
    """One of them.

    things   what its API is about, as in its path and its scopes: /api/THINGS, THINGS:read, THINGS:write
    of       initial items of a user, one line each
    tint     the colour of its pages, light and dark
    """

    name: str
    things: str
    of: Callable[[User], tuple[str, ...]]
    tint: tuple[str, str]

    @property
    def scopes(self) -> dict[str, str]:
        """The scopes in plain words."""
        read, write = f"{self.things}:read", f"{self.things}:write"
        return {
            **_SIGN_IN,
            read: f"Read your {self.things}",
            write: f"Read, add and change your {self.things}",
        }


NOTES = DemoSite("Demo Notes", "notes", lambda user: user.notes, ("#c2410c", "#fb923c"))
CALENDAR = DemoSite("Demo Calendar", "events", lambda user: user.events, ("#0f766e", "#2dd4bf"))
