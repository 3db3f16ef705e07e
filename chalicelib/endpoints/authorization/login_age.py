"""How recent the login at the provider has to be, and whether the ID token proves it (OpenID Connect Core 3.1.3.7).

The user can remove `prompt` and `max_age` from the provider's URL, so what was requested there is checked here. Only a
provider whose file says `auth_time` can prove it; for every other one any login of that trip counts.
"""

from chalicelib.ports import Broker
from chalicelib.provider_client import ProviderSignIn
from chalicelib.records.sign_in import AuthorizationRequest, BrowserSession, Pending

CLOCK_SKEW = 60
FRESH_SECONDS = 900


def max_age_of(request: AuthorizationRequest) -> int | None:
    """What the provider is sent as `max_age`: 0 for a login after this decision, None for any login."""
    return 0 if "login" in request.prompt else request.max_age


def account_max_age(decided_by: str) -> int | None:
    """The same on a user's own page: a user with a session has to prove a fresh login, also with a login to add."""
    return 0 if decided_by.startswith("session:") else None


def explain_login_age(
    brought: ProviderSignIn, pending: Pending, request: AuthorizationRequest | None, *, now: int
) -> str | None:
    """Why the login is not as recent as this trip requested; None where it is, or where nobody can tell.

    request   None for a trip from the user's own page
    """
    max_age = account_max_age(pending.decided_by) if request is None else max_age_of(request)
    if max_age is None:
        return None
    if brought.auth_time is None:
        return "auth_time_absent" if brought.provider.definition.identity.auth_time else None
    limits = [pending.decided_at] if max_age == 0 else []
    if request is not None and request.max_age:
        limits.append(now - request.max_age)
    return "auth_time_older_than_max_age" if brought.auth_time < max(limits) - CLOCK_SKEW else None


def is_recent(broker: Broker, session: BrowserSession) -> bool:
    """True while the sign-in is a matter of minutes, at the provider too where it can prove that: acts that cannot be
    undone require it."""
    now, definition = broker.clock.now(), broker.catalog.get(session.provider_id)
    if not 0 <= now - session.signed_in_at < FRESH_SECONDS:
        return False
    if definition is None or not definition.identity.auth_time:
        return True
    return session.auth_time is not None and now - session.auth_time < FRESH_SECONDS + CLOCK_SKEW
