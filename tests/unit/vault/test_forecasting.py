"""What is told of a connection before anybody asks its provider."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import ProviderDefinition, RefreshRules
from chalicelib.records.connection import Connection
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.token import ProviderTokens, read_token_response
from chalicelib.vault.rules.reauth_forecast import effective_status, forecast_reauth
from tests.kit.requirement import requirement

NOW, SIGNED_IN = 1_800_000_000, 1_799_999_000
DEMO: ProviderDefinition = load_catalog("local/providers").get("demo")  # type: ignore[assignment]
IDLE = RefreshRules(kind="rotating", idle_expiry_seconds=5000)
HARD = replace(IDLE, hard_expiry_seconds=4000)
OVER = Connection(
    connection_id="c", sub="s", client_id="a", provider_id="demo", status="active", token_generation=1,
    connected_at=SIGNED_IN, connected_by="-", access_expires_at=NOW - 1, tokens_at=NOW - 600, sealed_refresh_token=b"x",
)  # fmt: skip


def provider(rules: RefreshRules, path: str | None = None) -> ProviderDefinition:
    return replace(DEMO, refresh=rules, token=replace(DEMO.token, refresh_expires_in_path=path))


@requirement("VLT-08")
@pytest.mark.parametrize(
    ("rules", "path", "said", "before", "renews", "expected"),
    [
        (RefreshRules(kind="static"), None, None, None, True, None),
        (IDLE, None, None, None, True, NOW + 5000),
        (HARD, None, None, None, True, SIGNED_IN + 4000),
        (IDLE, "life", NOW + 70, None, True, NOW + 70),
        (HARD, "life", NOW + 9000, None, True, SIGNED_IN + 4000),
        (IDLE, "life", None, NOW + 80, True, NOW + 80),
        (IDLE, None, None, NOW + 80, True, NOW + 5000),
        (IDLE, "life", NOW + 70, None, False, NOW + 600),
        (RefreshRules(kind="swap", idle_expiry_seconds=9), None, None, None, True, NOW + 600),
        (RefreshRules(), None, None, None, True, NOW + 600),
    ],
)
def test_the_next_sign_in_is_forecast(
    rules: RefreshRules, path: str | None, said: int | None, before: int | None, renews: bool, expected: int | None
) -> None:
    tokens = ProviderTokens(access_token="a", expires_at=NOW + 600, refresh_expires_at=said)
    facts: dict[str, Any] = {"connected_at": SIGNED_IN, "now": NOW, "renews": renews, "before": before}
    assert forecast_reauth(provider(rules, path), tokens, **facts) == expected


@requirement("VLT-08")
@pytest.mark.parametrize(
    ("said", "expected"),
    [("70", NOW + 70), ('"70"', NOW + 70), ("0", None), ("null", None), ("-1", None), ('"soon"', None), ("{}", None)],
)
def test_how_long_a_refresh_token_lives_is_read_and_never_costs_the_answer(said: str, expected: int | None) -> None:
    body = f'{{"access_token":"a","token_type":"bearer","refresh_token":"r","x":{{"life":{said}}}}}'
    answer = HttpResponse(status=200, headers={"content-type": "application/json"}, body=body.encode())
    read = read_token_response(provider(IDLE, "x.life"), answer, requested=frozenset(), now=NOW)
    assert (read.refresh_token, read.refresh_expires_at) == ("r", expected)


@requirement("VLT-08")
@pytest.mark.parametrize(
    ("changes", "rules", "epoch", "told"),
    [
        ({}, IDLE, 0, "active"),
        ({"status": "partial"}, IDLE, 0, "partial"),
        ({"sealed_refresh_token": b""}, IDLE, 0, "reauth_required"),
        ({}, RefreshRules(), 0, "reauth_required"),
        ({"access_expires_at": None, "sealed_refresh_token": b""}, RefreshRules(), 0, "active"),
        ({}, RefreshRules(kind="swap"), 0, "reauth_required"),
        ({}, IDLE, 1, "in_doubt"),
        ({"sealed_refresh_token": b""}, IDLE, 1, "reauth_required"),
        ({"status": "in_doubt"}, IDLE, 0, "in_doubt"),
        ({"status": "revoked", "sealed_refresh_token": b""}, IDLE, 0, "revoked"),
    ],
)
def test_a_status_is_what_who_asks_would_find(
    changes: dict[str, Any], rules: RefreshRules, epoch: int, told: str
) -> None:
    assert effective_status(replace(OVER, **changes), provider(rules), epoch=epoch, now=NOW) == told
