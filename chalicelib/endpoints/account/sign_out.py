"""Sign out everywhere: every browser session of a user ends, and apps with a logout URI are notified."""

from chalicelib.endpoints.account.access import ButtonPress
from chalicelib.endpoints.account.app_connections import provider_name
from chalicelib.endpoints.browser.cookies import PROVIDER, SESSION, set_cookie
from chalicelib.endpoints.browser.urls import issuer_host, issuer_path
from chalicelib.jobs.backchannel_logout import enqueue_logout_everywhere
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import TemporarilyUnavailable
from chalicelib.responses import Response, page_response


def sign_out_everywhere(broker: Broker, press: ButtonPress) -> Response:
    """Replace the salt, which ends every session cookie and the browser sessions of all apps; other grants stay."""
    subject = press.holder.subject
    salted = broker.store.set_logins(subject, subject.logins, salt=broker.entropy.token_bytes(16))
    if isinstance(salted, Refused):
        raise TemporarilyUnavailable("subject_keeps_changing", retry_after=1)
    enqueue_logout_everywhere(broker, subject.sub)
    broker.log.event("signed_out_everywhere", sub=subject.sub, by="user")
    forget = tuple(set_cookie(broker, name, "", max_age=0) for name in (SESSION, PROVIDER))
    page = ErrorPage(
        name="signed_out",
        provider_name=provider_name(broker, press.holder.session.provider_id),
        base=issuer_path(broker),
        site=issuer_host(broker),
    )
    return page_response(page).with_headers(*forget)
