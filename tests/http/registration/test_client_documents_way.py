"""A client that is named by a URL goes every way that others go, is shown for what it is, and can be stopped."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.item_keys import client_item_key
from chalicelib.records.revocation import Revocation
from tests.kit.http.assertions import KEY, TYPE, ClientKey, good_claims, new_key, sign
from tests.kit.http.browser import FORM, Answer, read_page, request
from tests.kit.http.documents import OPEN, REDIRECT, URL, Site, app, kept, path_of, start_documents
from tests.kit.http.sign_in_scene import assert_page, connections, consents, grants
from tests.kit.http.stack import EXCHANGE, Stack
from tests.kit.http.tokens import Session, change, events, read_claims, refusal, start_session
from tests.kit.limits.call_budget import spends
from tests.kit.logout.browser_logout import log_out
from tests.kit.requirement import requirement

SCOPE = "openid profile offline_access demo:notes:read"
LOOPBACK = "http://127.0.0.1/cb"


@pytest.fixture
def documents(make_stack: Callable[..., Stack], site: Site) -> Stack:
    """A broker that takes apps which describe themselves; the description is good for a day."""
    stack = start_documents(make_stack, site)
    site.describe(seconds=86_400)
    return stack


def begin(stack: Stack, **more: Any) -> Session:
    """Signed in, and the code redeemed."""
    return start_session(stack, client=(app(**more), None))


@requirement("CIMD-01", "TOK-02")
def test_every_token_names_the_client_by_its_url(documents: Stack) -> None:
    session = begin(documents)
    assert session.claims["client_id"] == URL
    assert read_claims(session.tokens["id_token"])["aud"] == URL
    assert session.userinfo().status == 200
    second = session.refresh()
    assert second.status == 200
    assert read_claims(second.json["access_token"])["client_id"] == URL
    (grant,), (consent,), (connection,) = grants(documents), consents(documents), connections(documents)
    assert grant.client_id == consent.client_id == connection.client_id == URL
    assert not documents.deployment.scan("CLIENT#", type(app()))


@requirement("CIMD-01", "INT-01")
def test_a_resource_server_learns_the_url(documents: Stack) -> None:
    server, secret = documents.client(
        serves=frozenset({documents.settings.issuer}), token_endpoint_auth_method="client_secret_basic"
    )
    session = begin(documents)
    told = documents.post("/introspect", server, secret, token=session.access).json
    assert (told["active"], told["client_id"]) == (True, URL)


@requirement("CIMD-01", "PAR-01")
def test_it_pushes_its_request_before_anybody_has_seen_it(documents: Stack, site: Site) -> None:
    fields = documents.authorize_parameters(app(), scope=SCOPE)
    pushed = documents.post("/par", app(), **fields)
    assert pushed.status == 201, pushed.body
    assert site.asked[path_of(URL)] == 1
    page = documents.authorize({"client_id": URL, "request_uri": pushed.json["request_uri"]})
    assert page.status == 200
    assert 'Only its address, <bdi dir="ltr">client.example</bdi>, is certain.' in page.body


@requirement("CIMD-01", "DEV-01")
def test_a_device_begins_before_anybody_has_seen_its_url(make_stack: Callable[..., Stack], site: Site) -> None:
    stack = start_documents(make_stack, site, open_registration_device=True)
    site.describe(grant_types=["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"])
    begun = stack.post("/device_authorization", app(), scope="openid")
    assert begun.status == 200, begun.body
    assert site.asked[path_of(URL)] == 1


@requirement("CIMD-02", "PAR-01")
def test_a_bad_document_pushes_nothing(documents: Stack, site: Site) -> None:
    site.describe(client_secret="x")
    pushed = documents.post("/par", app(), **documents.authorize_parameters(app(), scope=SCOPE))
    assert refusal(pushed) == (401, "invalid_client")
    assert kept(documents) is None


@requirement("CIMD-01", "REV-01")
def test_it_gives_back_what_it_has(documents: Stack) -> None:
    session = begin(documents)
    assert documents.post("/revoke", app(), token=session.access).status == 200
    assert session.userinfo().status == 401
    assert documents.post("/revoke", app(), token=session.refresh_token).status == 200
    assert refusal(session.refresh()) == (400, "invalid_grant")


@requirement("CIMD-03")
def test_it_proves_itself_with_no_secret_whatever_it_sends(documents: Stack) -> None:
    session = begin(documents)
    for method in ("client_secret_basic", "client_secret_post"):
        asked = app(token_endpoint_auth_method=method)
        answer = documents.token(asked, "secret", grant_type="refresh_token", refresh_token=session.refresh_token)
        assert refusal(answer) == (401, "invalid_client")
    assert session.refresh().status == 200


@pytest.fixture
def proven(documents: Stack, site: Site) -> Stack:
    """The app proves itself with a key that stands in its document."""
    keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.public]}}
    site.describe(seconds=60, **keys)
    return documents


def redeem_with(stack: Stack, key: ClientKey | None, audience: Any = "", **changed: str | None) -> Answer:
    """Sign in, and redeem the code with an assertion by that key, for our issuer or another audience."""
    asked = app(token_endpoint_auth_method="private_key_jwt")
    sign_in = stack.sign_in(asked, scope=SCOPE)
    claims = good_claims(audience or stack.settings.issuer, URL, stack.clock.now())
    given = {} if key is None else {"client_assertion_type": TYPE, "client_assertion": sign(claims, key)}
    form: dict[str, str | None] = {"code": sign_in.code, "redirect_uri": REDIRECT, "code_verifier": sign_in.verifier}
    return stack.token(app(), grant_type="authorization_code", **(form | given | changed))


@requirement("CIMD-03", "TOK-05")
def test_it_proves_itself_with_a_key_of_its_document(proven: Stack) -> None:
    answer = redeem_with(proven, KEY)
    assert answer.status == 200, answer.body
    assert read_claims(answer.json["access_token"])["client_id"] == URL
    assert refusal(redeem_with(proven, None)) == (401, "invalid_client")
    assert refusal(redeem_with(proven, new_key())) == (401, "invalid_client")


@requirement("TOK-11")
def test_its_assertion_may_name_exactly_the_token_endpoint(proven: Stack) -> None:
    issuer = proven.settings.issuer
    assert redeem_with(proven, KEY, f"{issuer}/token").status == 200
    assert redeem_with(proven, KEY, [f"{issuer}/token"]).status == 200
    for other in (f"{issuer}/token/", f"{issuer}/par", f"{issuer}/revoke", [issuer, f"{issuer}/token"]):
        assert refusal(redeem_with(proven, KEY, other)) == (401, "invalid_client"), other


@requirement("TOK-11")
def test_under_fapi2_its_assertion_names_the_issuer_alone(make_stack: Callable[..., Stack], site: Site) -> None:
    stack = start_documents(make_stack, site, profile="fapi2")
    site.describe(seconds=60, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.public]})
    asked, issuer = app(token_endpoint_auth_method="private_key_jwt"), stack.settings.issuer
    for audience, status in ((issuer, 201), (f"{issuer}/token", 401)):
        proof = {"client_assertion_type": TYPE, "client_assertion": sign(good_claims(audience, URL, stack.clock.now()))}
        pushed = stack.post("/par", asked, **stack.authorize_parameters(asked, scope=SCOPE), **proof)
        assert pushed.status == status, pushed.body


@requirement("CIMD-03", "CIMD-04", "CONS-08")
def test_a_key_that_its_document_no_longer_holds_proves_nobody(proven: Stack, site: Site) -> None:
    assert redeem_with(proven, KEY).status == 200
    first = kept(proven)
    other = new_key(kid="key-2")
    site.describe(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [other.public]})
    claims = good_claims(proven.settings.issuer, URL, proven.clock.now() + 60)
    proven.clock.advance(60)
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion_type": TYPE}
    answer = proven.token(app(), client_assertion=sign(claims), **form)
    assert refusal(answer) == (401, "invalid_client")
    assert site.asked[path_of(URL)] == 2
    answer = proven.token(app(), client_assertion=sign(claims, other), **form)
    assert refusal(answer) == (400, "invalid_grant")
    second = kept(proven)
    assert first is not None and second is not None
    assert second.revision > first.revision


@requirement("CIMD-03")
def test_an_assertion_of_a_url_that_was_never_here_fetches_nothing(documents: Stack, site: Site) -> None:
    claims = good_claims(documents.settings.issuer, URL, documents.clock.now())
    given = {"client_assertion_type": TYPE, "client_assertion": sign(claims)}
    answer = documents.token(app(), grant_type="refresh_token", refresh_token="x", **given)
    assert refusal(answer) == (401, "invalid_client")
    assert not site.asked


@requirement("CIMD-01")
def test_one_url_has_nothing_of_another(documents: Stack, site: Site) -> None:
    other = "https://other.example/theirs.json"
    site.describe(other)
    session, theirs = begin(documents), start_session(documents, client=(app(other), None))
    answer = documents.token(app(other), grant_type="refresh_token", refresh_token=session.refresh_token)
    assert refusal(answer) == (400, "invalid_grant")
    assert session.refresh().status == 200
    ids = {connection.connection_id for connection in connections(documents)}
    assert len(ids) == 2
    assert session.claims["connections"] != theirs.claims["connections"]


@requirement("REG-06")
def test_the_hash_of_a_url_is_no_client_id(documents: Stack) -> None:
    begin(documents)
    digest = client_item_key(URL).pk.removeprefix("CIMD#")
    for client_id in (digest, digest[:32], f"CIMD#{digest}"):
        assert_page(documents.authorize(documents.authorize_parameters(app(), client_id=client_id)))


@requirement("CIMD-03", "REG-04")
@pytest.mark.parametrize("handout", ["none", "token"])
def test_providers_tokens_only_where_strangers_may_have_them(
    make_stack: Callable[..., Stack], site: Site, handout: str
) -> None:
    stack = start_documents(make_stack, site, open_registration_handout=handout)
    site.describe(grant_types=["authorization_code", "refresh_token", EXCHANGE])
    answer = begin(stack).exchange()
    assert answer.status == (200 if handout == "token" else 400)


@requirement("CIMD-03", "AUTHZ-08")
def test_scopes_beyond_those_of_strangers_are_refused_on_our_page(documents: Stack) -> None:
    for scope in ("openid demo:notes:write", "openid admin"):
        answer = documents.authorize(documents.authorize_parameters(app(), scope=scope))
        assert_page(answer)
        assert "client.example/cb" not in answer.body


@requirement("AUTHZ-15", "CONS-02")
def test_the_page_always_asks_and_silence_gets_our_page(documents: Stack) -> None:
    session = begin(documents)
    again = documents.authorize(documents.authorize_parameters(app(), scope=SCOPE), session.sign_in.browser)
    assert again.status == 200
    assert "Not verified" in again.body
    silent = documents.authorize(documents.authorize_parameters(app(), prompt="none"), session.sign_in.browser)
    assert_page(silent, says="This app can’t ask for that")
    assert REDIRECT not in silent.body


@requirement("AUTHZ-15")
@pytest.mark.parametrize(
    "wrong",
    [{"response_type": "token"}, {"code_challenge": None}, {"scope": "nope"}, {"resource": "https://x.example"}],
)
def test_its_faults_stay_on_our_page(documents: Stack, wrong: dict[str, str | None]) -> None:
    answer = documents.authorize(documents.authorize_parameters(app(), **wrong))
    assert_page(answer)
    assert REDIRECT not in answer.body


@requirement("AUTHZ-02", "CIMD-01")
@pytest.mark.parametrize("uri", ["https://client.example/cb/", "https://client.example/CB", "https://evil.example/cb"])
def test_a_redirect_uri_that_the_document_does_not_name(documents: Stack, uri: str) -> None:
    assert_page(documents.authorize(documents.authorize_parameters(app(), redirect_uri=uri)))


@requirement("CONS-03")
def test_the_page_shows_whose_host_vouches_for_it_and_where_the_answer_goes(documents: Stack, site: Site) -> None:
    site.describe(
        client_name="Google <b>Drive</b>",
        client_uri="https://google.com/",
        redirect_uris=["https://third.example/cb"],
    )
    asked = documents.authorize_parameters(app(), redirect_uri="https://third.example/cb")
    body = documents.authorize(asked).body
    assert "Not verified" in body and "We haven’t checked this app" in body
    assert "Google &lt;b&gt;Drive&lt;/b&gt;" in body
    assert '<h1><bdi dir="ltr">client.example</bdi> wants to sign you in with' in body
    assert 'Only its address, <bdi dir="ltr">client.example</bdi>, is certain.' in body
    assert '<dt>You return to</dt><dd><bdi dir="ltr">third.example</bdi></dd>' in body
    assert "google.com" not in body


@requirement("CONS-03", "AUTHZ-05")
def test_a_program_on_the_users_device_is_warned_of(documents: Stack, site: Site) -> None:
    site.describe(redirect_uris=[LOOPBACK, REDIRECT])
    asked = documents.authorize_parameters(app(), redirect_uri="http://127.0.0.1:49152/cb")
    body = documents.authorize(asked).body
    assert "It runs on this device" in body
    assert "127.0.0.1:49152" in body
    session = start_session(documents, client=(app(redirect_uris=("http://127.0.0.1:49152/cb",)), None))
    assert session.userinfo().status == 200


@requirement("CONS-08", "CONS-05")
def test_a_document_that_changes_while_the_page_is_open_ends_that_sign_in(documents: Stack, site: Site) -> None:
    browser = documents.browser()
    page = documents.authorize(documents.authorize_parameters(app(), scope=SCOPE), browser)
    site.describe(client_name="Somebody Else")
    documents.clock.advance(100)
    change(documents, client_item_key(URL), fresh_until=0)
    documents.restart()
    assert "Somebody Else" in documents.authorize(documents.authorize_parameters(app())).body
    assert_page(documents.decide(browser, page, provider="demo"), says="This sign-in has expired")
    assert not grants(documents)


@requirement("CONS-08")
def test_a_document_that_changes_while_the_user_is_away_ends_that_sign_in(documents: Stack, site: Site) -> None:
    sign_in = documents.to_callback(app(), scope=SCOPE)
    site.describe(redirect_uris=[REDIRECT, "https://client.example/more"])
    change(documents, client_item_key(URL), fresh_until=0)
    documents.restart()
    documents.authorize(documents.authorize_parameters(app()))
    answer = sign_in.browser.get(sign_in.callback)
    assert "code=" not in answer.location
    assert not consents(documents)


@requirement("CIMD-02")
def test_what_it_held_is_over_where_the_setting_is_taken_away(documents: Stack) -> None:
    session = begin(documents)
    documents.restart(client_id_documents=False)
    assert refusal(session.refresh()) == (401, "invalid_client")
    documents.restart()
    assert session.refresh().status == 200


@requirement("CIMD-04")
def test_tokens_and_refresh_ask_nobody_for_the_document(documents: Stack, site: Site) -> None:
    session = begin(documents)
    site.answers.clear()
    documents.clock.advance(5 * 86_400)
    second = session.refresh()
    assert second.status == 200
    assert documents.userinfo(second.json["access_token"]).status == 200
    assert site.asked[path_of(URL)] == 1


@requirement("CIMD-04")
def test_who_was_never_here_is_unknown_at_the_token_endpoint_and_asked_for_by_nobody(
    documents: Stack, site: Site
) -> None:
    answer = documents.token(app(), grant_type="authorization_code", code="x", code_verifier="v" * 43)
    assert refusal(answer) == (401, "invalid_client")
    assert not site.asked


@requirement("CIMD-01", "CB-11")
def test_a_callback_without_its_cookie_leads_back_to_the_app(documents: Stack, site: Site) -> None:
    site.describe(initiate_login_uri="https://client.example/login")
    sign_in = documents.to_callback(app(), scope=SCOPE)
    assert_page(documents.browser().get(sign_in.callback), status=403, says="https://client.example/login")


@requirement("CIMD-01", "CIMD-03")
def test_it_signs_its_user_out(documents: Stack, site: Site) -> None:
    bye = "https://client.example/bye"
    site.describe(post_logout_redirect_uris=[bye], seconds=86_400)
    session = begin(documents)
    answer = log_out(session.sign_in.browser, id_token_hint=session.tokens["id_token"], post_logout_redirect_uri=bye)
    assert (answer.status, answer.location) == (200, ""), "nothing redirects for who registered itself"
    assert f'href="{bye}' in answer.body
    assert "tb_session" not in session.sign_in.browser.cookies


@requirement("CIMD-01")
def test_a_long_url_and_a_large_request_fit(documents: Stack, site: Site) -> None:
    url = "https://client.example/" + "a" * 232
    site.describe(url)
    more = {"state": "s" * 2000, "scope": SCOPE, "redirect_uri": REDIRECT}
    sign_in = documents.sign_in(app(url), **more)
    answer = documents.redeem(sign_in)
    assert answer.status == 200, documents.log.getvalue()[-600:]
    assert read_claims(answer.json["access_token"])["client_id"] == url


@requirement("CIMD-04", "GEN-10")
@pytest.mark.parametrize("marks", ["disabled", "not_before"])
def test_the_operator_stops_it(documents: Stack, marks: str) -> None:
    session = begin(documents)
    documents.clock.advance(20)
    now = documents.clock.now()
    change(
        documents,
        client_item_key(URL),
        marks=Revocation(disabled=True) if marks == "disabled" else Revocation(not_before=now),
    )
    assert session.userinfo().status == 401
    assert session.refresh().status in (400, 401)
    again = documents.authorize(documents.authorize_parameters(app(), scope=SCOPE))
    assert (again.status == 200) == (marks == "not_before")


@requirement("CIMD-04")
def test_a_client_in_use_does_not_end_and_an_unused_one_does(documents: Stack, site: Site) -> None:
    begin(documents)
    soon = documents.clock.now() + 40 * 86_400
    change(documents, client_item_key(URL), expires_at=soon)
    session = begin(documents)
    client = kept(documents)
    assert client is not None
    assert client.expires_at == documents.clock.now() + 90 * 86_400
    change(documents, client_item_key(URL), expires_at=documents.clock.now())
    documents.restart()
    assert refusal(session.refresh()) == (401, "invalid_client")
    assert documents.authorize(documents.authorize_parameters(app(), scope=SCOPE)).status == 200


@requirement("CIMD-01", "XCH-01")
def test_it_connects_more_where_strangers_may_have_it(make_stack: Callable[..., Stack], site: Site) -> None:
    stack = start_documents(make_stack, site, open_registration_handout="token")
    site.describe(grant_types=["authorization_code", "refresh_token", EXCHANGE])
    session = begin(stack)
    headers = {"Authorization": f"Bearer {session.access}", "Content-Type": FORM}
    body = f"provider=demo&scope=notes%3Aread&redirect_uri={REDIRECT}&state=s"
    answer = request(stack.netloc, "POST", "/connect", body=body, headers=headers)
    assert answer.status == 200, answer.body
    link = answer.json["connect_uri"].removeprefix(stack.settings.issuer)
    page = session.sign_in.browser.get(link)
    assert page.status == 200
    assert 'Only its address, <bdi dir="ltr">client.example</bdi>, is certain.' in page.body
    assert read_page(page.body).fields


@requirement("BUDGET")
def test_what_it_costs(make_stack: Callable[..., Stack], site: Site) -> None:
    limits = {"document_fetches_per_address": 10, "document_fetches_per_host": 20, "document_fetches_per_minute": 120}
    stack = start_documents(make_stack, site, **limits)
    site.describe(seconds=86_400)
    stack.authorize(stack.authorize_parameters(stack.client()[0]))
    asked = stack.authorize_parameters(app(), scope=SCOPE)
    with spends(stack, 6, "never seen: looked for twice, counted for the address and the host, kept, looked at"):
        assert stack.authorize(asked).status == 200
    with spends(stack, 0, "kept and fresh"):
        assert stack.authorize(asked).status == 200
    stack.restart()
    stack.authorize(stack.authorize_parameters(stack.client()[0]))
    with spends(stack, 1, "kept by another process"):
        assert stack.authorize(asked).status == 200
    session = begin(stack)
    with spends(stack, 2, "refresh"):
        assert session.refresh().status == 200
    with spends(stack, 1, "userinfo"):
        assert session.userinfo().status == 200


@requirement("GEN-07")
def test_the_log_says_why_and_names_the_client(documents: Stack, site: Site) -> None:
    site.put(json.dumps({"client_id": "https://other.example/"}))
    documents.authorize(documents.authorize_parameters(app(), scope=SCOPE))
    (line,) = events(documents, "client_document_refused")
    assert (line["client_id"], line["reason"]) == (URL, "client_id_not_equal")
    assert "demo:notes:read" in OPEN
