"""The Host header: the broker serves only the host of its issuer (GEN-08)."""

from urllib.parse import urlsplit

from chalicelib.ports import Broker
from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.errors import InvalidRequest
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.request import Request


class MisdirectedRequest(InvalidRequest):
    """RFC 9110 section 15.5.20."""

    status = 421
    description = "This server answers under the host of its issuer only."


def check_host(broker: Broker, http: Request) -> None:
    """Refuse a foreign Host, so that it never changes a link or an issuer (GEN-08)."""
    host = http.header("host")
    if host is not None and lower(host) != lower(urlsplit(broker.settings.issuer).netloc):
        ours = urlsplit(broker.settings.issuer).netloc
        raise MisdirectedRequest("host_not_ours").noting(expected=ours, received=redact(host, (ours,)))
