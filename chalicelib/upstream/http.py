"""HTTP as values: what we would send, and what came back."""

from msgspec import Struct


class HttpRequest(Struct, frozen=True, kw_only=True):
    """One request to a third party. `url` is absolute; headers are sent as they stand."""

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
    """The third party could not be reached or answered outside its limits; `reason` is snake_case, for the log.

    sent    true where bytes of the request may have reached it, so that it may have acted: then nothing is repeated
    """

    def __init__(self, reason: str, *, sent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class ProviderRefused(Exception):
    """The third party answered with an error; `code` is one of its registered OAuth codes or "other".

    nothing_done   the standard or the provider's file defines this error as a refusal; every other answer, a page with
                   a 4xx as well, may come after the request was carried out
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
