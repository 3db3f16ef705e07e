"""A right that is withdrawn ends what lives by it; a login that is too old counts as none."""

import time
from typing import Any

import jwt
import msgspec
import pytest

from chalicelib.endpoints.callers.rate_limits import client_network
from chalicelib.protocol.request import Request
from chalicelib.records.item_keys import client_item_key, consent_item_key, grant_item_key
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change, start_session
from tests.kit.requirement import requirement


@requirement("REF-01", "CONS-08")
def test_without_offline_access_in_the_consent_nothing_is_refreshed(stack: Stack) -> None:
    session = start_session(stack)
    place = consent_item_key(str(session.claims["sub"]), session.client.client_id)
    consent = stack.deployment.store.read(place).get(place)
    assert consent is not None
    change(stack, place, scopes=consent.scopes - {"offline_access"})
    answer = session.refresh()
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    grant = grant_item_key(session.claims["grant_id"])
    found = stack.deployment.store.read(grant).get(grant)
    assert found is not None and found.status == "revoked"


@requirement("AUTHZ-14")
@pytest.mark.parametrize(("age", "error"), [(30, None), (3600, "login_required"), (-(10**30), "login_required")])
def test_max_age_taken_out_of_the_providers_url_is_noticed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, age: int, error: str | None
) -> None:
    honest = jwt.encode

    def aged(claims: dict[str, Any], *rest: Any, **more: Any) -> str:
        if "auth_time" in claims:
            claims = {**claims, "auth_time": int(time.time()) - age}
        return honest(claims, *rest, **more)

    monkeypatch.setattr("local.fake.id_token.jwt.encode", aged)
    client, _ = stack.client()
    sign_in = stack.sign_in(client, max_age="10")
    assert sign_in.answer.answered.get("error") == error
    assert ("code" in sign_in.answer.answered) == (error is None)


@requirement("CONS-03")
def test_a_self_registered_client_names_no_website_but_where_the_user_returns(stack: Stack) -> None:
    client, _ = stack.client(client_uri="https://accounts.google.com")
    stack.deployment.put(client_item_key(client.client_id), msgspec.structs.replace(client, registered_by="self"))
    page = stack.authorize(stack.authorize_parameters(client))
    assert page.status == 200 and "accounts.google.com" not in page.body and "app.example" in page.body


@requirement("GEN-21")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
    ],
)
def test_one_network_of_ipv6_is_one_place(one: str, other: str, same: bool) -> None:
    first, second = (client_network(Request(method="GET", source_ip=address)) for address in (one, other))
    assert (first == second) is same
