"""The browser session after a sign-in, and its cookie."""

import msgspec

from chalicelib.endpoints.authorization.provider_user import ProviderUser
from chalicelib.endpoints.browser.cookies import SessionOwner, open_session, seal_session, sign_out_key
from chalicelib.ports import Broker, Items
from chalicelib.provider_client import ProviderSignIn
from chalicelib.records.sign_in import BrowserSession, LogoutRecipient
from chalicelib.records.subject import Subject

MAX_SHOWN = 80


class CurrentSession(msgspec.Struct, frozen=True, kw_only=True):
    """A browser session and the values for its cookie.

    told   the clients to be notified when it ends
    """

    session: BrowserSession
    session_salt: bytes
    told: tuple[LogoutRecipient, ...] = ()

    def cookie(self, broker: Broker) -> tuple[str, str]:
        """The Set-Cookie header."""
        return seal_session(broker, self.session, self.session_salt, self.told)


def start_session(broker: Broker, brought: ProviderSignIn, provider_user: ProviderUser, *, now: int) -> BrowserSession:
    """A new browser session for the user who has just signed in."""
    return BrowserSession(
        sub=provider_user.sub,
        provider_id=brought.provider.record.provider_id,
        account_id=provider_user.account_id,
        signed_in_at=now,
        expires_at=now + broker.settings.session_seconds,
        sid=broker.entropy.token_bytes(16).hex(),
        epoch=broker.settings.epoch,
        auth_time=brought.auth_time,
        acr=brought.acr,
        name=_read(brought, "name"),
        handle=_read(brought, "preferred_username") or _read(brought, "email"),
    )


def _read(brought: ProviderSignIn, claim: str) -> str:
    """What the provider says about the user, cut so that the cookie stays small."""
    value = brought.identity.profile.get(claim)
    return value[:MAX_SHOWN] if isinstance(value, str) else ""


def continue_session(
    broker: Broker, owner: SessionOwner | None, session: BrowserSession, subject: Subject, found: Items
) -> CurrentSession:
    """The new session. If the same user had a session in this browser, it gets the id of that session.

    owner   the owner that the browser's cookie claims
    found   contains the sign-out of that session, if there is one
    """
    if owner is not None:
        before = open_session(broker, owner, subject, sign_out=found.get(sign_out_key(owner)), now=session.signed_in_at)
        if before is not None:
            session = msgspec.structs.replace(session, sid=before.sid)
            return CurrentSession(session=session, session_salt=subject.session_salt, told=owner.told)
    return CurrentSession(session=session, session_salt=subject.session_salt)
