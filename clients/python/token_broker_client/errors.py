"""What the broker refuses, by what helps: one class per next step. No message contains a token or a link."""

from collections.abc import Mapping
from typing import Any

DEFAULT_WAIT = 5
CONNECT = "open connect_uri in this user's browser, refresh the user's access token, then try again"
REPEAT = "the request may have been carried out; check before you repeat a change"
NEXT_STEPS = {
    "proxy_only": "this client gets no provider tokens; use call() instead of token()",
    "call_not_allowed": "the operator can allow this call: broker client update --proxy-allow",
    "handout_none": "the operator can allow access to providers: broker client update --handout",
    "unauthorized_client": "the operator can allow hand-outs: broker client update --handout token",
    "invalid_client": "check client_id and client_secret",
    "no_api": "the provider file names no API; use token() and call the provider yourself",
    "not_connected": "this user has no such connection; check connection_id",
    "redirect": "the API redirects; call the address that it redirects to",
}


class BrokerError(Exception):
    """A request failed; the message ends with what to do next.

    error       the OAuth error code; `unreachable` if there was no readable response
    reason      why, from docs/hand-out.md or docs/proxy.md; may be empty
    reference   what the operator needs for `broker explain`; may be empty
    """

    def __init__(self, next_step: str, error: str, reason: str = "", reference: str = "") -> None:
        self.next_step, self.error, self.reason, self.reference = next_step, error, reason, reference
        cause = f"{error} ({reason})" if reason else error
        quoted = f" [reference {reference}]" if reference else ""
        super().__init__(f"{cause}: {next_step}{quoted}")


class ConnectionNeeded(BrokerError):
    """The user must connect the account, allow more, or renew it.

    connect_uri      open it in this user's browser; valid for ten minutes, useless to others
    missing_scopes   in the provider's names
    """

    connect_uri: str = ""
    missing_scopes: tuple[str, ...] = ()


class NewTokenNeeded(BrokerError):
    """The user's access token has expired or has too few scopes: refresh it, then try again."""


class Unavailable(BrokerError):
    """A temporary fault.

    retry_after   seconds to wait
    """

    retry_after: int = DEFAULT_WAIT


class Refused(BrokerError):
    """Another try does not help."""


def read_error(
    status: int, document: dict[str, Any], headers: Mapping[str, str], exchange: bool = False
) -> BrokerError:
    """The error for a refusal.

    exchange   at /token, an access token that is not valid is an `invalid_request` (RFC 8693 section 2.2.2)
    """
    error, reason, retry = (str(document.get(name) or "") for name in ("error", "reason", "retry"))
    known = (error or "unreachable", reason, str(document.get("error_id") or ""))
    if retry == "after_connect" and document.get("connect_uri"):
        needed = ConnectionNeeded(CONNECT, *known)
        needed.connect_uri = str(document["connect_uri"])
        needed.missing_scopes = tuple(map(str, document.get("missing_scopes") or ()))
        return needed
    if retry == "with_new_token" or error == "invalid_token" or (exchange and error == "invalid_request"):
        return NewTokenNeeded("refresh the user's access token, then try again", *known)
    wait = headers.get("Retry-After", "")
    seconds = int(wait) if wait.isdecimal() else DEFAULT_WAIT
    if reason not in NEXT_STEPS and (not error or status == 429 or status >= 500):
        sent = reason in ("answer_broken", "timed_out") or not error
        unavailable = Unavailable(REPEAT if sent else f"wait {seconds} seconds, then try again", *known)
        unavailable.retry_after = seconds
        return unavailable
    step = NEXT_STEPS.get(reason) or NEXT_STEPS.get(error) or "the operator can explain it: broker explain REFERENCE"
    return Refused(step, *known)
