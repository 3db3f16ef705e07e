"""What a provider's answer to a refresh means for the refresh token that was used (RFC 6749 section 6).

The one question behind it: can that token have been spent? Only where it cannot is anything said as certain: after an
error code of RFC 6749 section 5.2, a word that the provider's file defines as a refusal, or 429. A 4xx alone says
nothing: a proxy in front of the provider may send it after the provider has carried the request out.
"""

from email.utils import parsedate_to_datetime

from msgspec import Struct

from chalicelib.protocol.ascii_text import is_digits, trim
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.http import HttpResponse, ProviderMisbehaved, ProviderRefused, ProviderUnavailable
from chalicelib.upstream.response import holds_token
from chalicelib.upstream.token import ProviderTokens, read_token_response

MAX_RETRY_AFTER = 86400


class Renewed(Struct, frozen=True):
    """New tokens."""

    tokens: ProviderTokens


class Ended(Struct, frozen=True):
    """The provider takes this refresh token no more: the user has to sign in again."""

    reason: str


class NotDone(Struct, frozen=True, kw_only=True):
    """Refused before anything happened, according to the standard or the file: the refresh token is unused."""

    reason: str
    retry_at: int = 0


class Unknown(Struct, frozen=True, kw_only=True):
    """It is unknown whether the refresh token was spent."""

    reason: str
    retry_at: int = 0


class Unread(Struct, frozen=True, kw_only=True):
    """A success that this release cannot read. It is unknown whether the refresh token was spent.

    The response is stored, and another release or a corrected provider file may read it.

    may_hold_tokens   some member looks like a token
    """

    reason: str
    may_hold_tokens: bool


RefreshAnswer = Renewed | Ended | NotDone | Unknown | Unread


def is_success(response: HttpResponse) -> bool:
    """True if the response may contain tokens, so that it must be stored before it is parsed."""
    return 200 <= response.status < 300


def weigh(answer: RefreshAnswer | None) -> int:
    """How much is lost with a kept answer: of two for the same tokens, the lighter never replaces the heavier.

    answer   None: it does not open
    """
    if isinstance(answer, Renewed):
        return 3
    return 1 + answer.may_hold_tokens if isinstance(answer, Unread) else 0


def read_refresh_response(
    definition: ProviderDefinition, response: HttpResponse, *, granted: frozenset[str], now: int
) -> RefreshAnswer:
    """Read the answer to a refresh.

    granted   before it; an answer that names no scopes grants the same (RFC 6749 section 6)
    """
    retry_at = read_retry_after(response, now=now)
    if response.status == 429:
        return NotDone(reason="token_status_429", retry_at=retry_at)
    try:
        return Renewed(read_token_response(definition, response, requested=granted, now=now))
    except ProviderRefused as refused:
        if not refused.nothing_done:
            return _doubt(definition, response, refused.reason, retry_at)
        if refused.code in definition.refresh.terminal_errors:
            return Ended(refused.reason)
        return NotDone(reason=refused.reason, retry_at=retry_at)
    except (ProviderUnavailable, ProviderMisbehaved) as error:
        return _doubt(definition, response, error.reason, retry_at)


def _doubt(definition: ProviderDefinition, response: HttpResponse, reason: str, retry_at: int) -> Unknown | Unread:
    if not is_success(response):
        return Unknown(reason=reason, retry_at=retry_at)
    return Unread(reason=reason, may_hold_tokens=holds_token(response))


def read_retry_after(response: HttpResponse, *, now: int) -> int:
    """When the provider wants to be asked again (RFC 9110 section 10.2.3), a day at most; 0 where it does not say."""
    said = trim(response.headers.get("retry-after", ""))
    if is_digits(said) and len(said) < 10:
        return now + min(int(said), MAX_RETRY_AFTER)
    try:
        at = int(parsedate_to_datetime(said).timestamp())
    except (ValueError, TypeError, OverflowError):
        return 0
    return min(at, now + MAX_RETRY_AFTER) if at > now else 0
