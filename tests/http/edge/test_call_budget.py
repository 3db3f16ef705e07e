"""How many calls each step makes at the table and at KMS, warm, counted on the wire."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from chalicelib.records.item_keys import connection_item_key
from tests.kit.http.acting import BOOKS, start_acting
from tests.kit.http.assertions import prove
from tests.kit.http.bound import Bound, Holder
from tests.kit.http.browser import FORM, Browser, read_page, request
from tests.kit.http.device import GRANTS, ask, cancel, start_device
from tests.kit.http.fapi_party import FapiParty
from tests.kit.http.proxied import Proxied
from tests.kit.http.pushing import follow, push, reference
from tests.kit.http.stack import APP, SCOPE, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, audits, change, mark, read, sign, start_session
from tests.kit.limits.call_budget import spends
from tests.kit.registration.initial_token import register, token_for
from tests.kit.registration.managed_client import PUBLIC, Managed
from tests.kit.requirement import requirement


@pytest.fixture
def warm(stack: Stack) -> Session:
    """Somebody has signed in through this process just now; every key and cached record is younger than its age."""
    session = start_session(stack, who="bob", **CONFIDENTIAL)
    assert session.exchange().status == 200
    return session


@requirement("BUDGET")
def test_discovery_authorize_and_the_decision_read_nothing(stack: Stack, warm: Session) -> None:
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/jwks"):
        with spends(stack, 0, path):
            assert stack.get(path).status == 200
    browser = stack.browser()
    with spends(stack, 0, "GET /authorize"):
        page = stack.authorize(stack.authorize_parameters(warm.client), browser)
    with spends(stack, 0, "POST /signin"):
        assert "state=" in stack.decide(browser, page, provider="demo").location


@requirement("BUDGET")
def test_a_live_browser_session_costs_one_read_at_authorize_and_two_calls_to_a_code(
    stack: Stack, warm: Session
) -> None:
    browser = warm.sign_in.browser
    with spends(stack, 1, "GET /authorize that asks, with a session"):
        page = stack.authorize(stack.authorize_parameters(warm.client, prompt="consent"), browser)
    with spends(stack, 2, "a code without a trip"):
        assert "code=" in stack.decide(browser, page, provider="demo").location
    with spends(stack, 2, "a code without a page"):
        assert "code=" in stack.authorize(stack.authorize_parameters(warm.client), browser).location


@requirement("BUDGET")
def test_a_code_without_a_trip_under_a_new_consent_costs_one_more(stack: Stack) -> None:
    two = ("https://app.example/other", APP)
    session = start_session(stack, redirect_uris=two)
    parameters = stack.authorize_parameters(session.client, redirect_uri=APP)
    page = stack.authorize(parameters, session.sign_in.browser)
    with spends(stack, 3):
        assert "code=" in stack.decide(session.sign_in.browser, page, provider="demo").location


@requirement("BUDGET")
def test_the_callback(stack: Stack, warm: Session) -> None:
    same = {"who": "bob", "browser": stack.browser()}
    again = stack.to_callback(warm.client, warm.sign_in.secret, **same)
    with spends(stack, 5, "claim, batch read, connection, issue; and a replaced token to clear"):
        assert "code=" in again.browser.get(again.callback).location
    new = stack.to_callback(warm.client, warm.sign_in.secret, browser=Browser(stack.netloc))
    with spends(stack, 7, "a new consent, and a user never seen"):
        assert "code=" in new.browser.get(new.callback).location
    another_app = stack.to_callback(*stack.client(), browser=Browser(stack.netloc))
    stack.get(f"/authorize?client_id={another_app.client.client_id}")
    with spends(stack, 6, "claim, batch read, a note of the new connection, connection, consent, issue"):
        assert "code=" in another_app.browser.get(another_app.callback).location
    stack.provider.faults.drop_refresh_token = True
    plain = stack.to_callback(warm.client, warm.sign_in.secret, browser=Browser(stack.netloc))
    with spends(stack, 4, "claim, batch read, connection, issue"):
        assert "code=" in plain.browser.get(plain.callback).location


@requirement("BUDGET")
def test_an_oversized_request_costs_the_decision_one_write(stack: Stack, warm: Session) -> None:
    browser = stack.browser()
    large = stack.authorize_parameters(warm.client, state="s" * 2000, nonce="n" * 256)
    page = stack.authorize(large, browser)
    with spends(stack, 1):
        location = stack.decide(browser, page, provider="demo").location
    callback = stack.provider.sign_in(location, "bob")
    with spends(stack, 5, "as any callback of a user who is known"):
        assert "code=" in browser.get(callback).location


@requirement("BUDGET", "OIDC-01")
def test_claims_in_the_id_token_cost_the_redemption_nothing_more(stack: Stack, warm: Session) -> None:
    wanted = '{"id_token": {"name": null}}'
    asked = stack.sign_in(warm.client, warm.sign_in.secret, claims=wanted)
    with spends(stack, 2, "code, batch read with the profile"):
        tokens = stack.redeem(asked).json
    with spends(stack, 2, "refresh"):
        assert stack.refresh(asked, tokens["refresh_token"]).status == 200
    plain = stack.sign_in(warm.client, warm.sign_in.secret, claims='{"userinfo": {"name": null}}')
    with spends(stack, 2, "code, batch read"):
        assert stack.redeem(plain).status == 200
    hinted = stack.authorize_parameters(warm.client, id_token_hint=tokens["id_token"])
    with spends(stack, 0, "GET /authorize with a hint"):
        assert stack.authorize(hinted, stack.browser()).status == 200


@requirement("BUDGET", "PAR-02")
def test_a_pushed_request_costs_one_call_at_each_step_and_none_at_the_callback(stack: Stack, warm: Session) -> None:
    client, secret = warm.client, warm.sign_in.secret
    with spends(stack, 1, "POST /par"):
        uri = reference(stack, client, secret)
    browser = stack.browser()
    with spends(stack, 1, "GET /authorize"):
        page = follow(browser, client, uri)
    with spends(stack, 1, "POST /signin"):
        location = stack.decide(browser, page, provider="demo").location
    callback = stack.provider.sign_in(location, "bob")
    with spends(stack, 5, "as any callback of a user who is known"):
        assert "code=" in browser.get(callback).location
    for wrong in ({"scope": "openid unknown"}, {"request_uri": uri}):
        with stack.dynamodb.counted() as calls:
            assert push(stack, client, secret, **wrong).status == 400
        assert sum(calls.values()) == ("scope" in wrong), "a refusal that rests on the cache reads again"
    another = reference(stack, client, secret)
    with spends(stack, 3, "GET /authorize with a session: opened, read, claimed"):
        assert "code=" in follow(warm.sign_in.browser, client, another).location


@requirement("BUDGET", "DEV-03")
def test_a_device(stack: Stack, warm: Session) -> None:
    device = start_device(stack, redirect_uris=(APP,), grant_types=GRANTS)
    device.approve(who="bob")
    client = device.client
    with spends(stack, 1, "start"):
        device = ask(stack, client)
    browser = stack.browser()
    with spends(stack, 0, "the page"):
        browser.get("/device")
    with spends(stack, 2, "a code looked up: counted, read"):
        page = browser.post("/device", {"user_code": device.told["user_code"]})
    with spends(stack, 3, "a wrong one: counted, read, counted among all wrong ones"):
        assert browser.post("/device", {"user_code": "BBBB-BBBB"}).status == 400
    with spends(stack, 2, "a poll while pending"):
        assert device.error() == "authorization_pending"
    with spends(stack, 2, "a poll too early"):
        assert device.error() == "slow_down"
    stack.provider.faults.drop_refresh_token = True
    with spends(stack, 0, "allowed"):
        back = device.allow(browser, page, "bob")
    with spends(stack, 4, "claim, batch read, connection, issue"):
        assert "You’re signed in on" in browser.get(back).body
    with spends(stack, 2, "a poll that redeems: redeemed, batch read"):
        assert device.poll().status == 200
    with spends(stack, 2, "a replay"):
        assert device.error() == "invalid_grant"
    with spends(stack, 1, "refused: over"):
        assert device.error() == "invalid_grant"
    again = ask(stack, client)
    with spends(stack, 3, "a code looked up with a live session: +1"):
        page = browser.post("/device", {"user_code": again.told["user_code"]})
    with spends(stack, 2, "allowed where the session suffices: read, issue"):
        assert "You’re signed in on" in stack.decide(browser, page, provider="demo").body
    denied = ask(stack, client)
    browser, page = denied.type()
    with spends(stack, 1, "denied"):
        cancel(stack, browser, page)
    with spends(stack, 1, "a poll after it"):
        assert denied.error() == "access_denied"


@requirement("BUDGET")
def test_code_refresh_repeat_and_replay(stack: Stack, warm: Session) -> None:
    sign_in = stack.sign_in(warm.client, warm.sign_in.secret, who="bob")
    with spends(stack, 2, "code, batch read"):
        tokens = stack.redeem(sign_in).json
    with spends(stack, 2, "refresh"):
        second = stack.refresh(sign_in, tokens["refresh_token"]).json
    with spends(stack, 2, "repeated in the grace"):
        assert stack.refresh(sign_in, tokens["refresh_token"]).status == 200
    with spends(stack, 1, "asking for more"):
        assert stack.refresh(sign_in, second["refresh_token"], scope="demo:notes:write").status == 400
    stack.clock.advance(30)
    warm_up(stack, warm)
    with spends(stack, 3, "replay that revokes, unless a pause withheld the successor"):
        assert stack.refresh(sign_in, tokens["refresh_token"]).status == 400
    with spends(stack, 1, "refused: over"):
        assert stack.refresh(sign_in, second["refresh_token"]).status == 400
    with spends(stack, 0, "refused: not a handle of ours"):
        assert stack.refresh(sign_in, second["refresh_token"][:-1]).status == 400


@requirement("BUDGET")
def test_a_code_sent_again_costs_the_write_that_ends_its_grant(stack: Stack, warm: Session) -> None:
    with spends(stack, 2):
        assert stack.redeem(warm.sign_in).status == 400


@requirement("BUDGET")
def test_a_refresh_that_meets_a_mark(stack: Stack, warm: Session) -> None:
    mark(stack, warm.consent_place())
    with spends(stack, 3):
        assert warm.refresh().status == 400


@requirement("BUDGET")
def test_without_a_grace_the_table_is_read_before_and_after(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(refresh_grace_seconds=0)
    session = start_session(stack)
    with spends(stack, 3):
        assert session.refresh().status == 200
    assert [operation for operation, _ in stack.dynamodb.calls[-3:]] == ["BatchGetItem", "UpdateItem", "BatchGetItem"]


@requirement("BUDGET")
def test_client_credentials_introspection_userinfo_and_revocation(stack: Stack, warm: Session) -> None:
    grants = frozenset({"client_credentials"})
    client, secret = stack.client(**CONFIDENTIAL, grant_types=grants, serves=frozenset({stack.settings.issuer}))
    stack.token(client, secret, grant_type="client_credentials")
    with spends(stack, 0, "client_credentials"):
        assert stack.token(client, secret, grant_type="client_credentials").status == 200
    with spends(stack, 1, "introspection"):
        assert stack.post("/introspect", client, secret, token=warm.access).json["active"]
    with spends(stack, 0, "introspection of what is not a token"):
        assert not stack.post("/introspect", client, secret, token="x").json["active"]
    with spends(stack, 1, "userinfo"):
        assert warm.userinfo().status == 200
    with spends(stack, 1, "revocation of an access token"):
        assert stack.post("/revoke", warm.client, warm.sign_in.secret, token=warm.access).status == 200
    with spends(stack, 1, "revocation of a refresh token"):
        assert stack.post("/revoke", warm.client, warm.sign_in.secret, token=warm.refresh_token).status == 200


@requirement("BUDGET", "DPOP-01")
def test_each_proof_costs_one_call_and_a_refused_one_none(stack: Stack, warm: Session) -> None:
    holder = Holder(stack)
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    stack.token(client, secret, grant_type="client_credentials")
    with spends(stack, 1, "client_credentials"):
        answer = stack.token(client, secret, grant_type="client_credentials", headers=holder.proof())
        assert answer.status == 200
    sign_in = stack.sign_in(warm.client, warm.sign_in.secret, who="bob")
    with spends(stack, 3, "code: proof, redeemed, batch read"):
        bound = Bound(stack, sign_in, stack.redeem(sign_in, headers=holder.proof()).json, holder)
    with spends(stack, 3, "refresh"):
        assert bound.refresh().status == 200
    asked = {**stack.authorize_parameters(warm.client), "client_id": None}
    with spends(stack, 2, "a pushed request"):
        pushed = stack.post("/par", warm.client, warm.sign_in.secret, headers=holder.proof(path="/par"), **asked)
        assert pushed.status == 201
    with spends(stack, 2, "userinfo"):
        assert bound.use().status == 200
    with spends(stack, 4, "the list of connections"):
        assert bound.use("/connections").status == 200
    link = {"method": "POST", "body": f"provider=demo&redirect_uri={APP}", "headers": {"Content-Type": FORM}}
    with spends(stack, 1, "a link"):
        assert bound.use("/connect", **link).status == 200
    with spends(stack, 3, "hand-out"):
        assert bound.exchange().status == 200
    proof = holder.prove("GET", "/proxy/demo/notes", token=bound.access)
    with spends(stack, 3, "a call through the proxy"):
        assert bound.use("/proxy/demo/notes", proof=proof).status == 200
    with spends(stack, 2, "the same proof again: the read, and the mark that stands"):
        assert bound.use("/proxy/demo/notes", proof=proof).status == 401
    for wrong in ({"ath": "x"}, {"htm": "PUT"}, {"scheme": "Bearer"}):
        with spends(stack, 0, f"refused: {wrong}"):
            assert bound.use("/proxy/demo/notes", **wrong).status == 401
    with spends(stack, 0, "refused at the token endpoint"):
        assert bound.refresh(headers={"DPoP": "x"}).status == 400


@requirement("BUDGET", "FAPI-04")
def test_under_the_profile_each_assertion_and_each_proof_costs_one_call(make_stack: Callable[..., Stack]) -> None:
    app = FapiParty(make_stack(profile="fapi2"))
    app.sign_in(scope=SCOPE)
    stack = app.stack
    with spends(stack, 2, "POST /par: assertion, request"):
        pushed = app.push(scope=SCOPE)
    with spends(stack, 3, "POST /par with a proof: assertion, proof, request"):
        assert app.push(dpop=app.dpop("/par")).status == 201
    browser = stack.browser()
    with spends(stack, 1, "GET /authorize"):
        page = follow(browser, app.client, pushed.json["request_uri"])
    with spends(stack, 1, "POST /signin"):
        location = stack.decide(browser, page, provider="demo").location
    callback = stack.provider.sign_in(location, "alice")
    with spends(stack, 5, "as any callback of a user who is known"):
        code = dict(parse_qsl(urlsplit(browser.get(callback).location).query))["code"]
    with spends(stack, 4, "code: assertion, proof, redeemed, batch read"):
        token = app.redeem(code).json["refresh_token"]
    for _ in range(2):
        with spends(stack, 4, "refresh, which rotates nothing: assertion, proof, moved on, marks"):
            assert app.refresh(token).status == 200
    with spends(stack, 1, "a proof for another endpoint: the assertion alone"):
        assert app.refresh(token, dpop=app.dpop("/userinfo")).status == 400


@requirement("BUDGET", "DPOP-01")
def test_a_nonce_costs_no_call(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(dpop_nonce="required")
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    holder, asking = Holder(stack), {"grant_type": "client_credentials"}
    nonce = stack.token(client, secret, **asking, headers=holder.proof()).header("dpop-nonce")
    assert stack.token(client, secret, **asking, headers=holder.proof(nonce=nonce)).status == 200
    with spends(stack, 0, "asked for"):
        assert stack.token(client, secret, **asking, headers=holder.proof()).status == 400
    with spends(stack, 1, "given"):
        assert stack.token(client, secret, **asking, headers=holder.proof(nonce=nonce)).status == 200


@requirement("BUDGET")
def test_signing_out_costs_one_write(stack: Stack, warm: Session) -> None:
    browser = warm.sign_in.browser
    with spends(stack, 1, "a page that asks, and names the user"):
        page = browser.get(f"/logout?client_id={warm.client.client_id}")
    with spends(stack, 0, "stay"):
        assert browser.post("/logout", [*read_page(page.body).fields, ("decision", "stay")]).status == 200
    with spends(stack, 1, "signed out: the end of the session"):
        assert browser.get(f"/logout?id_token_hint={warm.tokens['id_token']}").status == 200
    assert "tb_session" not in browser.cookies


@requirement("BUDGET")
def test_signing_out_of_a_session_of_which_apps_are_to_be_told_costs_two_writes(stack: Stack, warm: Session) -> None:
    uri = "https://app.example/told"
    browser = start_session(stack, backchannel_logout_uri=uri).sign_in.browser
    for _ in range(3):
        stack.redeem(stack.sign_in(stack.client(backchannel_logout_uri=uri)[0], browser=browser))
    with spends(stack, 1, "a page that asks, and names the user"):
        page = browser.get("/logout")
    with spends(stack, 2, "signed out: the duty to notify, the end of the session"):
        assert browser.post("/logout", [*read_page(page.body).fields, ("decision", "sign_out")]).status == 200


@requirement("BUDGET")
def test_a_hand_out_is_a_read_and_a_record(stack: Stack, warm: Session) -> None:
    with spends(stack, 2, "handed out"):
        assert warm.exchange().status == 200
    recorded = len(audits(stack))
    for changed in ({"scope": "notes:write"}, {"audience": "0" * 32}, {"audience": "github"}):
        with spends(stack, 1, f"refused: {changed}"):
            assert warm.exchange(**changed).status == 400
    assert len(audits(stack)) == recorded


@requirement("BUDGET", "XCH-03")
def test_a_narrower_token_costs_one_read_and_a_proof_one_call_more(stack: Stack, warm: Session) -> None:
    ask = {"audience": None, "resource": stack.settings.issuer, "scope": "openid"}
    with spends(stack, 1, "for us"):
        assert warm.exchange(**ask).status == 200
    with spends(stack, 1, "refused"):
        assert warm.exchange(**{**ask, "scope": "orders:read"}).status == 400
    with spends(stack, 0, "no token of ours"):
        assert warm.exchange("x", **ask).status == 400
    with spends(stack, 2, "bound to a key"):
        assert warm.exchange(**ask, headers=Holder(stack).proof()).status == 200  # type: ignore[arg-type]


@requirement("BUDGET", "XCH-05")
def test_acting_is_a_read_of_both_tokens_and_a_record(stack: Stack) -> None:
    acted, holder = start_acting(stack), Holder(stack)
    shown, actor = acted.shown, acted.tools.own_token()
    assert acted.tools.act(shown, actor=actor).status == 200
    with spends(stack, 2, "acted"):
        token = acted.tools.act(shown, actor=actor).json["access_token"]
    with spends(stack, 3, "with a proof"):
        assert acted.tools.act(shown, actor=actor, headers=holder.proof()).status == 200
    with spends(stack, 1, "refused"):
        assert acted.tools.act(shown, actor=actor, scope="openid").status == 400
    for wrong in ({"actor": "x"}, {"resource": None}, {"subject": "x"}):
        with spends(stack, 0, f"refused before anything is read: {wrong}"):
            assert acted.tools.act(**{"subject": shown, "actor": actor, **wrong}).status == 400
    assert acted.orders.introspect(token)["active"]
    with spends(stack, 1, "introspected"):
        assert acted.orders.introspect(token)["active"]
    own = acted.orders.own_token()
    assert acted.orders.act(token, BOOKS, actor=own).status == 200
    with spends(stack, 2, "by the next one"):
        assert acted.orders.act(token, BOOKS, actor=own).status == 200


@requirement("BUDGET")
def test_a_hand_out_of_a_connection_newer_than_the_token_reads_once_more(stack: Stack, warm: Session) -> None:
    older = sign(stack, {name: value for name, value in warm.claims.items() if name != "connections"})
    for audience in ("demo", warm.claims["connections"]["demo"]):
        with spends(stack, 3):
            assert warm.exchange(older, audience=audience).status == 200


@requirement("BUDGET")
def test_a_refused_client_authentication_reads_once_more_and_is_counted(stack: Stack, warm: Session) -> None:
    """By design: a refusal that rests on the cache reads again, and failures are counted per address (TOK-04)."""
    with stack.dynamodb.counted() as calls:
        assert stack.token(warm.client, "0" * 64, grant_type="client_credentials").status == 401
    assert calls == {"BatchGetItem": 1, "UpdateItem": 1}


@requirement("BUDGET", "TOK-05")
def test_an_assertion_costs_one_call_more_than_a_secret(stack: Stack, warm: Session) -> None:
    grants = frozenset({"client_credentials"})
    client, _ = stack.client(token_endpoint_auth_method="private_key_jwt", grant_types=grants)
    stack.token(client, grant_type="client_credentials")
    with spends(stack, 1, "client_credentials"):
        assert stack.token(client, grant_type="client_credentials").status == 200
    with spends(stack, 2, "introspection"):
        assert stack.post("/introspect", client, token=warm.access).status == 200
    form = prove(stack.settings.issuer, client, stack.clock.now())
    assert stack.token(client, grant_type="client_credentials", **form).status == 200
    with spends(stack, 2, "used again: the mark, and the count of failures"):
        assert stack.token(client, grant_type="client_credentials", **form).status == 401


def warm_up(stack: Stack, session: Session) -> None:
    """Cached records are older than 10 s by now: one request reads them again."""
    stack.post("/revoke", session.client, session.sign_in.secret, token="unknown")


@requirement("BUDGET")
def test_a_call_through_the_proxy_is_a_read_and_a_record(stack: Stack, warm: Session) -> None:
    proxied = Proxied(stack)
    with spends(stack, 2, "called"):
        assert proxied.call(warm).status == 200
    with spends(stack, 2, "refused by the provider, which cannot be helped"):
        assert proxied.call(warm, "DELETE", "/proxy/demo/nothing").status == 404
    for path, headers, status, calls in (
        ("/proxy/demo/a/../b", {}, 400, 0),
        ("/proxy/demo/notes?access_token=x", {}, 400, 0),
        ("/proxy/demo/notes", {"Broker-Connection": "0" * 32}, 404, 1),
        ("/proxy/github/user", {}, 404, 1),
        ("/proxy/demo/notes", {"Broker-Host": "elsewhere.example"}, 400, 1),
    ):
        with spends(stack, calls, path):
            assert proxied.call(warm, path=path, headers=headers).status == status
    with spends(stack, 0, "not our token"):
        assert proxied.call("x").status == 401
    with spends(stack, 0, "a browser asks whether it may"):
        assert proxied.call(None, "OPTIONS").status == 204


@requirement("BUDGET")
def test_a_call_with_a_refresh_and_one_that_the_api_refuses_first(stack: Stack, warm: Session) -> None:
    proxied = Proxied(stack)
    change(stack, warm.connection_place(), access_expires_at=stack.clock.now() - 1)
    with spends(stack, 6, "refreshed before it is called"):
        assert proxied.call(warm).status == 200
    change(stack, warm.connection_place(), tokens_at=stack.clock.now() - 60)
    for token in stack.provider.grants.access_tokens.values():
        token.revoked = True
    with spends(stack, 7, "called, refused, refreshed, called again"):
        assert proxied.call(warm).status == 200


@requirement("BUDGET")
def test_the_list_of_connections_and_what_ending_one_costs(stack: Stack, warm: Session) -> None:
    def call(method: str, path: str) -> int:
        headers = {"Authorization": f"Bearer {warm.access}"}
        return request(stack.netloc, method, path, headers=headers).status

    one = f"/connections/{warm.claims['connections']['demo']}"
    with spends(stack, 3, "the list: token, index, items"):
        assert call("GET", "/connections") == 200
    with spends(stack, 2, "one: token, what is on record"):
        assert call("GET", one) == 200
    with spends(stack, 1, "somebody else's"):
        assert call("DELETE", "/connections/" + "0" * 32) == 404
    with spends(stack, 1, "somebody else's, asked for"):
        assert call("GET", "/connections/" + "0" * 32) == 404
    with spends(stack, 7, "token, duty, tombstone, index and items, consent, what came of it"):
        assert call("DELETE", one) == 200
    with spends(stack, 1, "the same again"):
        assert call("DELETE", one) == 200


@requirement("BUDGET")
def test_what_ending_all_access_of_an_app_costs(stack: Stack, warm: Session) -> None:
    headers = {"Authorization": f"Bearer {warm.access}"}
    with spends(stack, 10, "token, consent, grant, index and items; duty, tombstone; index, items; what came of it"):
        assert request(stack.netloc, "DELETE", "/connections", headers=headers).status == 200


@requirement("BUDGET")
def test_a_list_of_more_than_a_hundred_costs_one_read_more_for_each_hundred(stack: Stack, warm: Session) -> None:
    kept = read(stack, warm.connection_place())
    for number in range(100):
        copy = msgspec.structs.replace(kept, connection_id=f"{number:032x}")
        stack.deployment.put(connection_item_key(copy.connection_id), copy)
    headers = {"Authorization": f"Bearer {warm.access}"}
    with spends(stack, 4):
        assert len(request(stack.netloc, "GET", "/connections", headers=headers).json["connections"]) == 101


@requirement("BUDGET")
def test_provider_files_that_are_not_switched_on_cost_nothing(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    """However many there are: a browser session asks for the records that are there, and for no others."""
    text = Path("local/providers/demo.toml").read_text()
    for number in range(110):
        name = f"off-{number}"
        (tmp_path / f"{name}.toml").write_text(text.replace('provider_id = "demo"', f'provider_id = "{name}"'))
    stack = make_stack(provider_dirs=("local/providers", str(tmp_path)))
    session = start_session(stack)
    with spends(stack, 1, "with a session"):
        page = stack.authorize(stack.authorize_parameters(session.client, prompt="consent"), session.sign_in.browser)
    _, payload = stack.dynamodb.calls[-1]
    keys = [key for table in payload["RequestItems"].values() for key in table["Keys"]]
    assert page.status == 200 and len(keys) < 10


@requirement("BUDGET", "REG-01", "REG-05")
def test_registering_and_managing_a_client(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(registration="open")
    first = Managed(stack, PUBLIC)
    with spends(stack, 4, "three counters, and the client"):
        open_to_all = Managed(stack, PUBLIC)
    token = token_for(stack, uses=2)
    with spends(stack, 3, "with an initial token: read, counted, and the client"):
        Managed(stack, PUBLIC, token)
    with spends(stack, 1, "refused: its document"):
        assert register(stack, token, {}).status == 400
    with spends(stack, 0, "refused: no token of ours, or a bad document"):
        assert register(stack, "x").status == 401 and register(stack, None, {}).status == 400
    with spends(stack, 2, "read, with a new token"):
        open_to_all.take(open_to_all.call("GET"))
    with spends(stack, 2, "replaced, with a new token"):
        replaced = open_to_all.put(client_name="Second")
    with spends(stack, 1, "the same again, whose answer was lost"):
        assert open_to_all.put(client_name="Second").json == replaced.json
    with spends(stack, 1, "read with the token before"):
        open_to_all.take(open_to_all.call("GET"))
    with spends(stack, 1, "another's token"):
        assert first.call("GET", token=open_to_all.token).status == 401
    with spends(stack, 0, "no token of ours"):
        assert first.call("DELETE", token="x").status == 401
    with spends(stack, 2, "ended"):
        assert open_to_all.call("DELETE").status == 204
    with spends(stack, 1, "ended again"):
        assert open_to_all.call("DELETE").status == 204
