"""HTTP as values: what we would send, and what came back."""

from msgspec import Struct


class HttpRequest(Struct, frozen=True, kw_only=True):
    """One request to a provider or client. `url` is absolute; headers are sent unchanged."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""


class HttpResponse(Struct, frozen=True, kw_only=True):
    """One answer: header names in lower case, at most the fetcher's size limit of body."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class ProviderUnavailable(Exception):
    """The server was unreachable or broke a limit. `reason` is snake_case, for the log.

    sent    True if bytes of the request may have arrived, so that the server may have acted; such a request is not
            repeated
    """

    def __init__(self, reason: str, *, sent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class ProviderRefused(Exception):
    """The provider responded with an error. `code` is one of its registered OAuth codes, or "other".

    nothing_done   the standard or the provider's file defines this error as a refusal; any other response, even a
                   page with a 4xx, may come after the request was carried out
    """

    def __init__(self, code: str, reason: str, *, nothing_done: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.nothing_done = nothing_done


class ProviderMisbehaved(Exception):
    """The answer breaks the protocol or fails a check (signature, nonce, issuer ...): nothing of it may be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
