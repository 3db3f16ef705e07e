"""Sign out everywhere: every browser session of a user ends, and apps that want to know are notified."""

from chalicelib.custody.signing_out import leave_for_all_sessions
from chalicelib.endpoints.account_held import Pressed
from chalicelib.endpoints.answers import site
from chalicelib.endpoints.cookies import PROVIDER, SESSION, set_cookie
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import TemporarilyUnavailable
from chalicelib.replies import Reply, page_reply


def sign_out_everywhere(broker: Broker, pressed: Pressed) -> Reply:
    """Replace the salt, so that no session cookie opens any more, nor the browser session of any app; grants stay."""
    subject = pressed.holder.subject
    salted = broker.store.set_logins(subject, subject.logins, salt=broker.entropy.token_bytes(16))
    if isinstance(salted, Refused):
        raise TemporarilyUnavailable("subject_keeps_changing", retry_after=1)
    leave_for_all_sessions(broker, subject.sub)
    broker.log.event("signed_out_everywhere", sub=subject.sub, by="user")
    forget = tuple(set_cookie(broker, name, "", max_age=0) for name in (SESSION, PROVIDER))
    return page_reply(ErrorPage(name="signed_out", site=site(broker))).with_headers(*forget)
