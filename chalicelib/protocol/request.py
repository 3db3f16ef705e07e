"""An HTTP request, parsed once: all values in their order, so that a repeated parameter can be rejected."""

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request, independent of Chalice.

    query, form    name and value pairs in the order sent, decoded; they include empty values, which `single` drops
    headers        lower-case name -> every value sent
    json           decoded body where the type is application/json; None otherwise
    body           as it came, where the endpoint reads bytes
    path           decoded path parameters by name
    rest           what a greedy path parameter holds, percent-encoded as it was sent
    source_ip      the gateway's word, never a header
    request_id     the gateway's; a refusal tells it as `error_id`
    endpoint       method and path as it was registered, without any value of the request
    """

    method: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    headers: dict[str, tuple[str, ...]] = {}
    json: object = None
    body: bytes = b""
    rest: str = ""
    path: dict[str, str] = {}
    cookies: dict[str, str] = {}
    source_ip: str = ""
    request_id: str = ""
    endpoint: str = ""

    def header(self, name: str) -> str | None:
        """The one value of a header, lower-case name; None when absent. The edge refused repeated ones that matter."""
        values = self.headers.get(name)
        return values[0] if values else None
