"""Checks how recent the login at the provider is, by the ID token (OpenID Connect Core section 3.1.3.7).

The user can remove `prompt` and `max_age` from the provider's URL, so the result is checked here. Only a provider whose
file says `auth_time` can prove it; for others, any login of this sign-in is accepted.
"""

from chalicelib.ports import Broker
from chalicelib.provider_client import ProviderSignIn
from chalicelib.records.sign_in import AuthorizationRequest, BrowserSession, Pending

CLOCK_SKEW = 60
FRESH_SECONDS = 900


def max_age_of(request: AuthorizationRequest) -> int | None:
    """The `max_age` for the provider: 0 for a login after this decision, None for any login."""
    return 0 if "login" in request.prompt else request.max_age


def account_max_age(decided_by: str) -> int | None:
    """The same for a user's own page: a user with a session has to prove a fresh login, also to link another login."""
    return 0 if decided_by.startswith("session:") else None


def explain_login_age(
    brought: ProviderSignIn, pending: Pending, request: AuthorizationRequest | None, *, now: int
) -> str | None:
    """The reason why the login is too old for this sign-in; None if it is recent enough, or the provider cannot prove
    it.

    request   None for a sign-in from the user's own page
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
    """True within minutes of the sign-in, as proven by the provider if it can. Irreversible actions require it."""
    now, definition = broker.clock.now(), broker.catalog.get(session.provider_id)
    if not 0 <= now - session.signed_in_at < FRESH_SECONDS:
        return False
    if definition is None or not definition.identity.auth_time:
        return True
    return session.auth_time is not None and now - session.auth_time < FRESH_SECONDS + CLOCK_SKEW
