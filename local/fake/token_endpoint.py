"""Client authentication at a token endpoint, and the form of a token response."""

from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import unquote

from local.fake.faults import Faults
from local.fake.web import Answer, Received, form_answer, json_answer


def basic_credentials(received: Received) -> tuple[str, str] | None:
    """Name and secret of the Authorization header; None where there is no such header, or not a right one."""
    scheme, _, credentials = received.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = b64decode(credentials).decode().partition(":")
    except ValueError:
        return None
    return unquote(client_id), unquote(secret)


def write_tokens(document: Mapping[str, object], received: Received, faults: Faults, status: int = 200) -> Answer:
    """Form-encoded, unless JSON is asked for."""
    headers = {"Cache-Control": "no-store"}
    if "application/json" in received.headers.get("accept", "") and not faults.form_encoded:
        return json_answer(document, status, headers)
    return form_answer(document, status, headers)
