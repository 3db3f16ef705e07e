"""What the recorded exchanges say of a connection: read from callback, token answer and further answers."""

import tomllib
from urllib.parse import parse_qs

import msgspec
import pytest

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import fill
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.metadata import (
    build_metadata_requests,
    read_callback_metadata,
    read_metadata_responses,
    read_token_metadata,
)
from tests.kit import ROOT
from tests.kit.requirement import requirement

CATALOG = load_catalog()
RECORDED = tomllib.loads((ROOT / "tests" / "unit" / "upstream" / "exchanges.toml").read_text("utf-8"))


def with_values() -> list[str]:
    return sorted(each for each in CATALOG.ids if (found := CATALOG.get(each)) and found.metadata)


@requirement("VAL-02")
@pytest.mark.parametrize("provider_id", with_values())
def test_what_is_kept_of_a_sign_in_is_what_is_written_down(provider_id: str) -> None:
    exchange = RECORDED[provider_id]
    written = CATALOG.get(provider_id)
    assert written is not None
    definition = fill(written, exchange.get("variables", {}))
    sent = parse_qs(exchange.get("callback", ""))
    answer = next(each for each in exchange["token_answers"] if "granted" in each)
    asked = build_metadata_requests(definition, "ACCESS", client_id="our-client")
    assert all(request.method == "GET" and "ACCESS" in str(request.headers) for request in asked.values())
    came = [
        HttpResponse(status=200, headers={"content-type": "application/json"}, body=body.encode())
        for body in exchange.get("metadata_answers", ())
    ]
    kept = {
        **read_callback_metadata(definition, lambda name: sent.get(name, [None])[0]),
        **read_token_metadata(definition, msgspec.json.decode(answer["body"])),
        **read_metadata_responses(definition, dict(zip(asked, came, strict=True))),
    }
    assert kept == exchange["kept"]
