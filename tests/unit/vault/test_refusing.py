"""What would help after a refused hand-out, decided from values (VLT-08)."""

import pytest
from msgspec.structs import replace

from chalicelib.providers.catalog import load_catalog
from chalicelib.records.connection import Connection
from chalicelib.vault.rules.refusal_advice import Advice, decide_advice
from tests.kit.requirement import requirement

DEMO = load_catalog("local/providers").get("demo")
READ, WRITE = frozenset({"notes:read"}), frozenset({"notes:write"})
CONNECTION = Connection(
    connection_id="c", sub="s", client_id="a", provider_id="demo", status="active", token_generation=1,
    connected_at=1, connected_by="r", granted=frozenset({"openid", "notes:read"}),
)  # fmt: skip
WIDE = replace(CONNECTION, granted=CONNECTION.granted | WRITE)


def demo(scopes: frozenset[str]) -> frozenset[str]:
    return frozenset(f"demo:{scope}" for scope in scopes) | {"openid"}


def decide(
    reason: str,
    connection: Connection | None = CONNECTION,
    *,
    asked: frozenset[str] = frozenset(),
    token: frozenset[str] = READ,
    granted: frozenset[str] = READ,
    client: frozenset[str] = READ | WRITE,
) -> Advice:
    """With a token, a grant and a client that have these scopes at the provider."""
    assert DEMO is not None
    scopes = {"token_scopes": demo(token), "granted_scopes": demo(granted), "client_scopes": demo(client)}
    return decide_advice(reason, DEMO, connection, asked=asked, **scopes)


@requirement("VLT-08")
def test_a_connect_brings_what_was_asked_or_what_the_token_says_or_all_that_is_registered() -> None:
    assert decide("not_connected", None, asked=WRITE) == Advice(retry="after_connect", missing=WRITE)
    assert decide("not_connected", None) == Advice(retry="after_connect", missing=READ)
    assert decide("not_connected", None, token=frozenset()) == Advice(retry="after_connect", missing=READ | WRITE)
    assert decide("not_connected", replace(CONNECTION, status="revoked")).retry == "after_connect"


@requirement("VLT-08")
def test_a_refusal_names_exactly_what_is_lacking() -> None:
    assert decide("missing_scopes", asked=READ | WRITE, token=READ | WRITE).missing == WRITE
    assert decide("not_allowed", asked=READ | WRITE).missing == WRITE
    assert decide("more_than_allowed", WIDE).missing == WRITE
    assert decide("reauth_required") == Advice(retry="after_connect", missing=READ)


@requirement("VLT-08")
def test_what_the_grant_has_already_needs_a_new_token_and_no_connect() -> None:
    assert decide("not_allowed", WIDE, asked=WRITE, granted=READ | WRITE).retry == "with_new_token"
    assert decide("more_than_allowed", WIDE, granted=READ | WRITE).retry == "with_new_token"
    assert decide("not_connected", token=frozenset(), asked=READ).retry == "with_new_token"
    for other in (CONNECTION, None):
        assert decide("not_allowed", other, asked=WRITE, granted=READ | WRITE).retry == "after_connect"
    assert decide("not_allowed", WIDE, asked=WRITE).retry == "after_connect"


@requirement("VLT-08")
@pytest.mark.parametrize("reason", ["not_connected", "not_allowed", "more_than_allowed"])
def test_nothing_beyond_the_registration_is_ever_offered(reason: str) -> None:
    assert decide(reason, WIDE, asked=WRITE, client=READ) == Advice(retry="never", missing=WRITE)
    assert decide("not_connected", None, token=frozenset(), client=frozenset()) == Advice(retry="never")
