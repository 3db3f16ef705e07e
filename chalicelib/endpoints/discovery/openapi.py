"""GET /openapi.json: this interface in OpenAPI 3.1, made by `dev.py openapi` and kept beside the code."""

from functools import cache
from pathlib import Path

from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.responses import Response

PLACE = Path(__file__).resolve().parents[2] / "openapi.json"
WRITTEN_FOR = '"https://broker.example"'
CACHE_SECONDS = 300


def answer(broker: Broker, http: Request) -> Response:
    """The same for everybody, with the issuer as the server's address; no storage is asked."""
    headers = (("Content-Type", "application/json"), ("Cache-Control", f"public, max-age={CACHE_SECONDS}"))
    return Response(headers=headers, body=_read(broker.settings.issuer))


@cache
def _read(issuer: str) -> str:
    """An issuer is letters that need no escape in JSON: the settings are refused with any other."""
    return PLACE.read_text(encoding="utf-8").replace(WRITTEN_FOR, f'"{issuer}"', 1)
