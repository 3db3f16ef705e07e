"""The list of apps in My access: one row for each, and the search among them."""

from math import ceil
from typing import Literal

from chalicelib.pages.account import AppRow
from chalicelib.pages.account_app import AccountApp
from chalicelib.pages.display import read_name
from chalicelib.protocol.request import Request

HAS_SEARCH = 12  # a longer list offers a search
HOUR = 3600


def app_row(app: AccountApp, now: int) -> AppRow:
    """The row of one app; what is normal is not named."""
    broken = [one.provider_name for one in app.connections if one.status == "reauth_required"]
    return AppRow(
        page_id=app.page_id,
        name=app.name,
        verified=app.verified,
        is_agent=app.is_agent,
        providers=tuple(dict.fromkeys(one.provider_name for one in app.connections)),
        kind=_kind(app),
        through=app.acted[0].actor_name if app.acted else "",
        paused=app.paused_at > 0,
        ends_in_hours=max(1, ceil((app.ends_at - now) / HOUR)) if app.ends_at else 0,
        reconnect=tuple(dict.fromkeys(broken)),
        used_at=app.used_at,
    )


def read_search(http: Request) -> str:
    """The words that a listed app must contain, in lower case and cut to the length of a name; "" lists all."""
    return read_name(next((value for name, value in http.query if name == "q"), "")).casefold()


def is_found(app: AccountApp, search: str) -> bool:
    """True if every word of the search is part of the app's name or host, of a provider's name or of an account's."""
    told = [app.name, app.host, *(word for one in app.connections for word in (one.provider_name, one.label))]
    text = "\n".join(read_name(word).casefold() for word in told)
    return all(word in text for word in search.split())


def _kind(app: AccountApp) -> Literal["identity", "read", "write", "both"]:
    """What the app may do with accounts and APIs, beside knowing who the user is."""
    at_providers = [line for one in app.connections for line in one.scopes]
    lines = [*at_providers, *app.later, *(line for line in app.own_scopes if not line.is_ours)]
    kinds = {line.access for line in lines}
    if not kinds:
        return "identity"
    return "both" if len(kinds) == 2 else kinds.pop()
