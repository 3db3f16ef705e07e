"""A proxied call of a client to a provider's API: the target, the request, and the response. Pure.

The provider file sets the host and the path prefix. An allow-list limits headers in both directions. Redirects are
not followed. The token is in no part of the response (PRX-01 to PRX-03).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal
from urllib.parse import quote, urlencode, urljoin, urlsplit

from msgspec import Struct

from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.errors import InvalidRequest, ServerError
from chalicelib.providers.definition import ApiRules
from chalicelib.upstream.http import HttpRequest, HttpResponse
from chalicelib.upstream.link_header import PAGES, read_links

MAX_BODY_BYTES = MAX_ANSWER_BYTES = 4 * 1024 * 1024  # what passes Lambda in base64
MAX_URL_CHARACTERS = 8192
SAFE_METHODS = frozenset({"GET", "HEAD"})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

REQUEST_HEADERS = frozenset(
    {"accept", "accept-language", "content-encoding", "content-language", "content-type", "idempotency-key"}
    | {"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "prefer", "range"}
)
ANSWER_HEADERS = frozenset(
    {"accept-ranges", "content-language", "content-range", "content-type", "deprecation", "etag", "last-modified"}
    | {"link", "preference-applied", "retry-after", "sunset"}
    | {"ratelimit", "ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset"}
    | {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-used"}
    | {"x-next-page", "x-page", "x-per-page", "x-prev-page", "x-total", "x-total-count", "x-total-pages"}
)

HostClass = Literal["base", "listed", "other"]

_BASE = re.compile(
    r"(?P<origin>https?://(?P<host>[a-z0-9.-]+)(?::[0-9]{1,5})?)(?P<prefix>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*)/?"
)
_VALUE = re.compile(r"[\x20-\x7e]{1,2048}")
_UNFIT_IN_QUERY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffd]")
_LEAST_TOKEN_CHARACTERS = 12


class Target(Struct, frozen=True, kw_only=True):
    """Where a call goes.

    base     origin and prefix of the path, from the provider file
    host     its name alone
    """

    base: str
    host: str
    host_class: HostClass


class Call(Struct, frozen=True, kw_only=True):
    """What an app asks for, checked as far as it needs no record.

    segments   of the path behind the prefix, percent-encoded
    headers    those of REQUEST_HEADERS alone
    host       another host of the provider file; None: that of `base_url`
    """

    method: str
    segments: tuple[str, ...]
    query: str
    headers: dict[str, str]
    body: bytes
    host: str | None = None

    @property
    def may_repeat(self) -> bool:
        """True where a second call does what the first one would have done."""
        return self.method in SAFE_METHODS or "idempotency-key" in self.headers


class Outgoing(Struct, frozen=True, kw_only=True):
    """One request as it is sent, and what is needed to read its answer."""

    request: HttpRequest
    target: Target
    api: ApiRules
    token: str


class ForwardedResponse(Struct, frozen=True, kw_only=True):
    """What the app gets of the provider's answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class BlockedResponse(Struct, frozen=True, kw_only=True):
    """An answer that is not passed on.

    target   of a redirect: what kind of host it leads to
    """

    reason: str
    target: str | None = None


def read_headers(headers: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Those headers of a request that go out to a provider.

    Raises InvalidRequest for a value that no header can carry.
    """
    named = {name: ", ".join(values) for name, values in headers.items() if name in REQUEST_HEADERS}
    allowed = {name: value for name, value in named.items() if value}
    if not all(_VALUE.fullmatch(value) for value in allowed.values()):
        raise InvalidRequest("proxy_header_value")
    return allowed


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The query as decoded pairs, encoded again. Raises InvalidRequest."""
    pairs = tuple(pairs)
    if any(_UNFIT_IN_QUERY.search(text) for pair in pairs for text in pair):
        raise InvalidRequest("proxy_query_characters")
    return urlencode(pairs, quote_via=quote, safe="/:@$,")


def find_target(api: ApiRules, *, issuer: str | None, host: str | None) -> Target:
    """Host and prefix of a call.

    api      with every value filled in
    host     that the app names; only one that the file lists byte for byte

    Raises InvalidRequest for another host, ServerError where the file's own base is no address.
    """
    found = _BASE.fullmatch(api.base_under(issuer))
    if found is None:
        raise ServerError("api_base_url_is_no_address")
    if host is None or host == found["host"]:
        return Target(base=found["origin"] + found["prefix"], host=found["host"], host_class="base")
    if host not in api.hosts:
        raise InvalidRequest("proxy_host_not_listed")
    return Target(base=f"https://{host}", host=host, host_class="listed")


def build_proxied_request(call: Call, target: Target, api: ApiRules, *, client_id: str, token: str) -> Outgoing:
    """The request that goes out. What the file says about headers goes before what the app says.

    client_id   ours at this provider

    Raises InvalidRequest for a URL that is too long.
    """
    url = "/".join((target.base, *call.segments)) + (f"?{call.query}" if call.query else "")
    if len(url) > MAX_URL_CHARACTERS:
        raise InvalidRequest("proxy_url_too_long")
    of_file = {name: value.replace("{client_id}", client_id) for name, value in api.headers.items()}
    headers = _over(call.headers, of_file)
    headers = _over(headers, {api.token_header: api.token_prefix + token})
    request = HttpRequest(method=call.method, url=url, headers=headers, body=call.body)
    return Outgoing(request=request, target=target, api=api, token=token)


def read_proxied_response(response: HttpResponse, sent: Outgoing) -> ForwardedResponse | BlockedResponse:
    """What the app may see. No header that repeats the token comes back; in the body it is masked, length kept."""
    if 300 <= response.status < 400 and response.status != 304:
        return BlockedResponse(reason="redirect", target=_classify(response.headers.get("location", ""), sent))
    if not 200 <= response.status < 600 or response.status == 407:
        return BlockedResponse(reason="status")
    spellings = _spellings(sent.token)
    headers = tuple(
        (name, value)
        for name, value in sorted(response.headers.items())
        if name in ANSWER_HEADERS and _VALUE.fullmatch(value) and not any(one in value for one in spellings)
        if name != "link" or _is_harmless_link(value, sent)
    )
    body = response.body
    for spelling in spellings:
        body = body.replace(spelling.encode(), b"x" * len(spelling))
    return ForwardedResponse(status=response.status, headers=headers, body=body)


def _over(headers: Mapping[str, str], stronger: Mapping[str, str]) -> dict[str, str]:
    """Both; of one name in any case the stronger."""
    names = {lower(name) for name in stronger}
    return {name: value for name, value in headers.items() if lower(name) not in names} | dict(stronger)


def _spellings(token: str) -> tuple[str, ...]:
    """The token in plain form, in a URL, and in JSON with escaped slashes."""
    if len(token) < _LEAST_TOKEN_CHARACTERS:
        return ()
    return tuple(dict.fromkeys((token, quote(token, safe=""), token.replace("/", "\\/"))))


def _classify(location: str, sent: Outgoing) -> str:
    """same_host, listed_host or other_host: all that is said of an address."""
    try:
        host = urlsplit(urljoin(sent.request.url, location)).hostname
    except ValueError:
        return "other_host"
    if host == sent.target.host:
        return "same_host"
    return "listed_host" if host in sent.api.hosts else "other_host"


def _is_harmless_link(value: str, sent: Outgoing) -> bool:
    """Pages of a list at the API's own hosts: nothing that a browser would load, nobody else's address."""
    links = read_links(value)
    if links is None:
        return False
    return all(link.relation in PAGES and _classify(link.target, sent) != "other_host" for link in links)
