"""Where two features meet: what neither of them expects of the other."""

import json
from collections.abc import Callable

import pytest

from chalicelib.records.item_keys import client_item_key
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.assertions import KEY
from tests.kit.http.browser import request
from tests.kit.http.documents import Site, kept, start_documents
from tests.kit.http.documents import app as described
from tests.kit.http.sign_in_scene import assert_page, grants, only_written
from tests.kit.http.stack import APP, SCOPE, Stack
from tests.kit.http.surface import JSON
from tests.kit.http.tokens import CONFIDENTIAL, change, read_claims, start_session
from tests.kit.logout.backchannel_app import App, app, jobs, run, sign_in, wired
from tests.kit.logout.browser_logout import log_out
from tests.kit.requirement import requirement

__all__ = ["app", "wired"]
API = "https://api.example/"
HALF = "\ud800"  # half of a letter: JSON can say it, nothing can store it


@requirement("GEN-03")
@pytest.mark.parametrize("kind", ["value", "values"])
@pytest.mark.parametrize("where", ["userinfo", "id_token"])
def test_half_a_letter_in_claims(stack: Stack, where: str, kind: str) -> None:
    claims = json.dumps({where: {"sub": {"value": HALF} if kind == "value" else {"values": ["x", HALF]}}})
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    parameters = stack.authorize_parameters(client, claims=claims)
    with only_written(stack):
        assert stack.authorize(parameters).answered["error"] == "invalid_request"
        assert stack.post("/par", client, secret, **parameters).json["error"] == "invalid_request"


@requirement("GEN-03")
def test_half_a_letter_in_a_document_that_is_sent(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(registration="open")
    document = {
        "redirect_uris": ["https://x.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [{**KEY.public, "kid": HALF}]},
    }
    with only_written(stack):
        answer = request(stack.netloc, "POST", "/register", body=json.dumps(document), headers={"Content-Type": JSON})
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    access = start_session(stack).access
    asked = {"provider": "demo", "scope": "demo:notes:read", "redirect_uri": APP, "state": HALF}
    headers = {"Content-Type": JSON, "Authorization": f"Bearer {access}"}
    assert request(stack.netloc, "POST", "/connect", body=json.dumps(asked), headers=headers).status in (400, 415)


@requirement("CIMD-02", "GEN-03")
def test_half_a_letter_in_a_document_that_is_fetched(make_stack: Callable[..., Stack], site: Site) -> None:
    stack = start_documents(make_stack, site)
    site.describe(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [{**KEY.public, "kid": HALF}]})
    assert_page(stack.authorize(stack.authorize_parameters(described(), scope="openid")))
    assert kept(stack) is None


@requirement("OUT-05", "CIMD-01")
def test_a_session_of_apps_with_long_names_still_fits_its_cookie(make_stack: Callable[..., Stack], site: Site) -> None:
    stack = start_documents(make_stack, site)
    browser = stack.browser()
    for number in range(14):
        url = f"https://client.example/{'a' * 220}{number:02}.json"
        site.describe(url, backchannel_logout_uri="https://client.example/told")
        stack.redeem(stack.sign_in(described(url), browser=browser, scope="openid"))
        assert len(browser.cookies["tb_session"]) < 3000, number
    assert '"event":"unhandled"' not in stack.log.getvalue()


@requirement("PAIR-01", "OUT-05")
def test_apps_that_may_not_know_each_others_users_do_not_learn_it_from_the_session(wired: Stack, app: App) -> None:
    browser, seen = wired.browser(), list[tuple[str, str]]()
    for sector in ("one.example", "two.example"):
        client, secret = wired.client(
            subject_type="pairwise", sector=sector, backchannel_logout_uri=app.uri(), redirect_uris=(APP,)
        )
        answer = wired.redeem(wired.sign_in(client, secret, browser=browser))
        claims = read_claims(answer.json["id_token"])
        seen.append((claims["sub"], claims["sid"]))
    assert seen[0][0] != seen[1][0] and seen[0][1] != seen[1][1]
    log_out(browser, id_token_hint=answer.json["id_token"])
    run(wired)
    assert {(one["sub"], one["sid"]) for one in app.tokens(wired)} == set(seen)


@requirement("OUT-05", "OUT-04")
def test_the_cookie_of_a_session_that_is_over_has_nobody_called_at_will(wired: Stack, app: App) -> None:
    session = sign_in(wired, app)
    browser = session.sign_in.browser
    kept = dict(browser.cookies)
    wired.clock.advance(60 - wired.clock.time % 60)

    def again() -> int:
        browser.cookies.clear()
        browser.cookies.update(kept)
        log_out(browser, id_token_hint=session.tokens["id_token"])
        return len(jobs(wired))

    assert [again() for _ in range(4)] == [1, 1, 1, 1]
    run(wired)
    assert len(app.told) == 1
    wired.clock.advance(wired.settings.session_seconds)
    assert again() == 0


@requirement("INT-02", "REF-07", "AUTHZ-11")
def test_an_api_that_an_app_has_lost_is_lost_to_what_it_holds(stack: Stack) -> None:
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"api:read"})))
    server = stack.client(**CONFIDENTIAL, serves=frozenset({API}))
    client, _ = stack.client(resources=frozenset({API}), scopes=frozenset({*SCOPE.split(), "api:read"}))
    sign_in = stack.sign_in(client, scope="openid offline_access api:read", resource=API)
    tokens = stack.redeem(sign_in).json
    assert stack.post("/introspect", *server, token=tokens["access_token"]).json["active"] is True
    change(stack, client_item_key(client.client_id), resources=frozenset())
    stack.restart()
    assert stack.post("/introspect", *server, token=tokens["access_token"]).json == {"active": False}
    with only_written(stack):
        refused = stack.refresh(sign_in, tokens["refresh_token"], resource=API)
    assert (refused.status, refused.json["error"]) == (400, "invalid_target")
    kept = stack.refresh(sign_in, tokens["refresh_token"], resource=stack.settings.issuer).json
    assert read_claims(kept["access_token"])["aud"] == stack.settings.issuer
    before = grants(stack)
    for _ in range(2):  # without a word it would be that API
        unsaid = stack.refresh(sign_in, kept["refresh_token"])
        assert (unsaid.status, unsaid.json["error"]) == (400, "invalid_target")
        stack.clock.advance(stack.settings.refresh_grace_seconds)
    assert grants(stack) == before
    change(stack, client_item_key(client.client_id), resources=frozenset({API, "https://other.example"}))
    stack.restart()
    regained = stack.refresh(sign_in, kept["refresh_token"]).json
    assert read_claims(regained["access_token"])["aud"] == API
