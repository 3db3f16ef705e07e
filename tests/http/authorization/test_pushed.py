"""Pushed authorization requests (RFC 9126): who may push, what is checked, and what comes of the reference."""

import json
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from msgspec import structs

from chalicelib.endpoints.authorization.stored_request import read_stored_request
from chalicelib.protocol.errors import PageError
from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key, provider_item_key, stored_request_item_key
from chalicelib.records.revocation import Revocation
from chalicelib.records.small_items import StoredRequest
from cli.deployment.operations import delete_client
from tests.http.authorization.wrong_requests import WRONG
from tests.kit.http.browser import FORM, Answer, read_page, request
from tests.kit.http.pushing import URN, follow, push, reference
from tests.kit.http.sign_in_scene import add_provider, assert_page, assert_told, change, grants, only_written
from tests.kit.http.stack import APP, SCOPE, Stack, challenge
from tests.kit.http.surface import read_tables
from tests.kit.http.tokens import read
from tests.kit.requirement import requirement

VERIFIER = "v" * 43
REQUIRED = {"require_pushed_authorization_requests": True}


def kept(stack: Stack) -> list[StoredRequest]:
    return stack.deployment.scan("PAR#", StoredRequest)


def redeem(stack: Stack, client: Client, location: str) -> Answer:
    """Exchange the code of this address."""
    code = parse_qs(urlsplit(location).query)["code"][0]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP, "code_verifier": VERIFIER}
    return stack.token(client, **fields)


@requirement("PAR-01", "PAR-02")
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_a_pushed_sign_in_from_the_request_to_the_tokens(stack: Stack, method: str) -> None:
    client, secret = stack.client(token_endpoint_auth_method=method)
    with only_written(stack, "PAR"):
        answer = push(stack, client, secret, state="s t")
    assert answer.status == 201 and answer.header("cache-control") == "no-store"
    assert answer.json["expires_in"] == 60 and set(answer.json) == {"request_uri", "expires_in"}
    assert re.fullmatch(re.escape(URN) + "[0-9a-f]{64}", answer.json["request_uri"])
    browser = stack.browser()
    page = follow(browser, client, answer.json["request_uri"])
    left = stack.decide(browser, page, provider="demo")
    back = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert back.answered["state"] == "s t" and back.answered["iss"] == stack.settings.issuer
    fields = {"grant_type": "authorization_code", "code": back.answered["code"], "redirect_uri": APP}
    tokens = stack.token(client, secret, **fields, code_verifier=VERIFIER)
    assert tokens.status == 200 and set(tokens.json["scope"].split()) == set(SCOPE.split())


@requirement("PAR-01")
def test_pushing_authenticates_as_the_token_endpoint_does(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    other, _ = stack.client()
    right = stack.authorize_parameters(client)
    wrongs = (
        lambda: stack.post("/par", client, "wrong", **right),
        lambda: request(
            stack.netloc,
            "POST",
            "/par",
            body=urlencode(right | {"client_secret": secret}),
            headers={"Content-Type": FORM},
        ),
        lambda: request(stack.netloc, "POST", "/par", body=urlencode(right), headers={"Content-Type": FORM}),
        lambda: stack.post("/par", client, secret, **right | {"client_id": other.client_id}),
    )
    for wrong in wrongs:
        answer = wrong()
        assert (answer.status, answer.json["error"]) == (401, "invalid_client"), answer.body
    assert kept(stack) == []


@requirement("PAR-01")
def test_a_reference_is_not_pushed_again_and_nothing_stands_in_the_url(stack: Stack) -> None:
    client, _ = stack.client()
    for uri in (URN + "0" * 64, "https://app.example/r", reference(stack, client)):
        answer = push(stack, client, request_uri=uri)
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    body, head = urlencode(stack.authorize_parameters(client)), {"Content-Type": FORM}
    answer = request(stack.netloc, "POST", "/par?state=x", body=body, headers=head)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert request(stack.netloc, "POST", "/par", body="{}", headers={"Content-Type": "application/json"}).status == 415
    assert len(kept(stack)) == 1


@requirement("PAR-03")
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        *((wrong, error) for _, wrong, error in WRONG if "request_uri" not in wrong),
        ({"redirect_uri": APP + "/"}, "invalid_request"),
        ({"redirect_uri": "https://attacker.example/"}, "invalid_request"),
        ({"state": "s" * 2049}, "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_everything_is_checked_when_it_is_pushed(stack: Stack, wrong: dict[str, str | None], error: str) -> None:
    client, _ = stack.client()
    with only_written(stack):
        answer = push(stack, client, **wrong)
    assert (answer.status, answer.json["error"]) == (400, error)
    assert answer.header("location") is None


@requirement("PAR-03")
def test_a_client_without_the_code_grant_pushes_nothing(stack: Stack) -> None:
    fields = {"token_endpoint_auth_method": "client_secret_basic", "grant_types": frozenset({"client_credentials"})}
    client, secret = stack.client(**fields)
    assert push(stack, client, secret).json["error"] == "unauthorized_client"


@requirement("PAR-03")
def test_what_was_pushed_counts_and_the_url_is_not_read(stack: Stack) -> None:
    client, _ = stack.client(redirect_uris=(APP, "https://app.example/other"))
    uri = reference(stack, client, state="pushed", redirect_uri=APP, scope="openid", code_challenge=challenge(VERIFIER))
    browser = stack.browser()
    query = {
        "state": "of the url", "redirect_uri": "https://app.example/other", "scope": SCOPE, "prompt": "none",
        "response_type": "token", "code_challenge": challenge("x" * 43), "provider": "nowhere", "request": "x",
    }  # fmt: skip
    page = follow(browser, client, uri, **query)
    assert page.status == 200 and "read your notes" not in page.body
    left = stack.decide(browser, page, provider="demo")
    back = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert back.location.startswith(APP + "?") and back.answered["state"] == "pushed"
    tokens = redeem(stack, client, back.location)
    assert tokens.json["scope"] == "openid"
    denied_uri, other = reference(stack, client, state="again"), stack.browser()
    answer = stack.decide(other, follow(other, client, denied_uri, state="of the url"), "deny")
    assert answer.answered["error"] == "access_denied" and answer.answered["state"] == "again"


@requirement("PAR-02")
def test_a_reference_is_over_after_a_minute_unless_it_was_opened(stack: Stack) -> None:
    client, _ = stack.client(client_uri="https://app.example/")
    late, used = reference(stack, client), reference(stack, client)
    stack.clock.advance(59)
    browser = stack.browser()
    assert follow(browser, client, used).status == 200
    stack.clock.advance(1)
    assert_page(follow(stack.browser(), client, late), says="This sign-in has expired")
    assert "https://app.example/" in follow(stack.browser(), client, late).body
    stack.clock.advance(598)
    page = follow(browser, client, used)
    assert page.status == 200
    stack.clock.advance(1)
    assert_page(follow(browser, client, used), says="This sign-in has expired")
    assert_page(stack.decide(browser, page, provider="demo"), 403, says="This sign-in has expired")


@requirement("PAR-02")
def test_what_is_decided_in_the_last_moment_has_as_long_as_any_other(make_stack) -> None:
    stack = make_stack(pending_seconds=25)
    client, _ = stack.client()
    browser = stack.browser()
    page = follow(browser, client, reference(stack, client))
    stack.clock.advance(24)
    left = stack.decide(browser, page, provider="demo")
    stack.clock.advance(24)
    assert "code" in browser.get(stack.provider.sign_in(left.location, "alice")).answered


@requirement("PAR-02")
def test_only_the_browser_that_opened_it_goes_on_with_it(stack: Stack) -> None:
    client, _ = stack.client()
    uri, first, second = reference(stack, client), stack.browser(), stack.browser()
    assert follow(first, client, uri).status == 200
    for other in (second, stack.browser()):
        assert_page(follow(other, client, uri), says="This sign-in has expired")
    second.cookies["tb_browser"] = "x" * 43
    assert_page(follow(second, client, uri), says="This sign-in has expired")
    assert follow(first, client, uri).status == 200


@requirement("PAR-02")
def test_a_reference_is_bound_to_its_client_and_to_its_form(stack: Stack) -> None:
    client, _ = stack.client()
    other, _ = stack.client()
    uri = reference(stack, client)
    assert_page(follow(stack.browser(), other, uri), says="This sign-in has expired")
    for wrong in (uri.upper(), uri + "0", uri[:-1], URN, URN + "../" + uri[-61:], URN + "g" * 64):
        with only_written(stack):
            assert follow(stack.browser(), client, wrong).status in (303, 400), wrong
        assert "code" not in follow(stack.browser(), client, wrong).answered
    without = stack.browser().get("/authorize?" + urlencode({"request_uri": uri}))
    assert_page(without, says="We don’t know this app")
    assert follow(stack.browser(), client, uri).status == 200


@requirement("PAR-02")
def test_a_request_that_was_only_too_large_for_a_cookie_is_no_reference(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, state="s" * 2000, nonce="n" * 256), browser)
    assert stack.decide(browser, page, provider="demo").location.startswith(stack.provider.url)
    (name,) = [key for key in read_tables(stack) if "/PAR#" in key]
    for one in (browser, stack.browser()):
        uri = URN + name.partition("/PAR#")[2].partition("/")[0]
        assert_page(follow(one, client, uri), says="This sign-in has expired")


@requirement("PAR-02")
def test_of_one_pushed_request_comes_one_sign_in(stack: Stack) -> None:
    client, _ = stack.client()
    uri, browser = reference(stack, client), stack.browser()
    pages = [follow(browser, client, uri) for _ in range(2)]
    places = [stack.decide(browser, page, provider="demo").location for page in pages]
    answers = [browser.get(stack.provider.sign_in(place, "alice")) for place in places]
    assert "code" in answers[0].answered
    assert_page(answers[1], says="This sign-in has expired")
    assert_page(follow(browser, client, uri), says="This sign-in has expired")
    assert [grant.status for grant in grants(stack)] == ["issued"]


@requirement("PAR-02")
def test_a_session_that_suffices_uses_it_up_too(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    browser = stack.sign_in(client, secret).browser
    uri = reference(stack, client, secret)
    assert "code" in follow(browser, client, uri).answered
    assert_page(follow(browser, client, uri), says="This sign-in has expired")


@requirement("PAR-02", "CONS-08")
def test_a_client_that_was_changed_or_ended_since_gets_nothing(stack: Stack) -> None:
    for ended in ("revision", "disabled", "deleted"):
        client, _ = stack.client()
        uri, browser = reference(stack, client), stack.browser()
        opened = follow(browser, client, uri)
        another = reference(stack, client)
        if ended == "revision":
            change(stack, client_item_key(client.client_id), revision=2)
        elif ended == "disabled":
            change(stack, client_item_key(client.client_id), marks=Revocation(disabled=True))
        else:
            delete_client(stack.deployment, client.client_id)
        stack.restart()
        for answer in (follow(stack.browser(), client, another), stack.decide(browser, opened, provider="demo")):
            assert_page(answer, says="over" if ended == "revision" else "We don’t know this app")


@requirement("PAR-02", "CONS-08")
def test_a_change_that_the_cache_has_not_seen_yet_is_read(stack: Stack) -> None:
    client, _ = stack.client()
    assert stack.authorize(stack.authorize_parameters(client)).status == 200
    changed = change(stack, client_item_key(client.client_id), revision=2, client_name="Renamed")
    old = stack.broker
    stack.parts.current.broker = stack.build()  # type: ignore[union-attr]
    uri = reference(stack, changed)
    stack.parts.current.broker = old  # type: ignore[union-attr]
    page = follow(stack.browser(), client, uri)
    assert page.status == 200 and "Renamed" in page.body


@requirement("PAR-03")
def test_a_provider_that_was_switched_off_since_is_not_asked(stack: Stack) -> None:
    add_provider(stack)
    client, _ = stack.client(scopes=frozenset({"openid", "demo:notes:read"}))
    named = reference(stack, client, scope="openid", provider="demo")
    scoped = reference(stack, client, scope="openid demo:notes:read", provider="oidc")
    free = reference(stack, client, scope="openid")
    change(stack, provider_item_key("demo"), marks=Revocation(disabled=True))
    stack.restart()
    for uri in (named, scoped):
        assert_page(follow(stack.browser(), client, uri), 503, says="isn’t answering")
    assert follow(stack.browser(), client, free).status == 200


@requirement("PAR-04")
def test_what_was_pushed_never_reaches_the_browser(stack: Stack) -> None:
    canary = {"state": "canary-state-" + "s" * 900, "nonce": "canary-nonce"}
    client, _ = stack.client(scopes=frozenset((SCOPE + " demo:notes:write").split()))
    plain, browser = stack.browser(), stack.browser()
    stack.decide(plain, stack.authorize(stack.authorize_parameters(client, **canary), plain), provider="demo")
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    page = follow(browser, client, reference(stack, client, scope=SCOPE + " demo:notes:write", **canary))
    left = stack.decide(browser, page, provider="demo")
    partial = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert "allowed less than" in partial.body
    for answer in (page, left, partial):
        said = answer.body + str(answer.headers)
        assert not any(value in said for value in (*canary.values(), challenge(VERIFIER)))
    for shown in (page, partial):
        assert max(len(value) for _, value in read_page(shown.body).fields) < 900
    for name, value in browser.cookies.items():
        assert len(value) < 1100, name
    assert max(map(len, plain.cookies.values())) > 1800
    stack.provider.faults.reset()
    again = stack.decide(browser, partial, "retry")
    back = browser.get(stack.provider.sign_in(again.location, "alice"))
    assert back.answered["state"] == canary["state"]


@requirement("PAR-04", "CB-11")
def test_going_on_with_less_and_cancelling_work_for_pushed_requests(stack: Stack) -> None:
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    scope = SCOPE + " demo:notes:write"
    client, _ = stack.client(scopes=frozenset(scope.split()))
    for decision, told in (("continue", "code"), ("cancel", "error")):
        browser = stack.browser()
        page = follow(browser, client, reference(stack, client, scope=scope, state="kept"))
        left = stack.decide(browser, page, provider="demo")
        partial = browser.get(stack.provider.sign_in(left.location, "alice"))
        answer = stack.decide(browser, partial, decision)
        assert told in answer.answered and answer.answered["state"] == "kept", decision
        if told == "code":
            assert redeem(stack, client, answer.location).status == 200


@requirement("PAR-04")
def test_the_table_holds_it_sealed(stack: Stack) -> None:
    client, _ = stack.client()
    push(stack, client, state="canary-state", login_hint="canary-hint")
    for _, call in stack.dynamodb.calls:
        assert "canary" not in str(call)


@requirement("PAR-04", "VLT-04")
def test_what_was_sealed_for_one_reference_does_not_open_for_another(stack: Stack) -> None:
    client, _ = stack.client()
    uris = [reference(stack, client, state=state) for state in "ab"]
    first, second = (stored_request_item_key(uri.removeprefix(URN)) for uri in uris)
    change(stack, second, sealed=read(stack, first).sealed)
    assert_page(follow(stack.browser(), client, uris[1]), says="This sign-in has expired")
    assert follow(stack.browser(), client, uris[0]).status == 200


@requirement("PAR-02")
def test_a_kept_request_is_over_at_its_end_however_long_the_table_keeps_it(stack: Stack) -> None:
    client, _ = stack.client()
    request_id = reference(stack, client).removeprefix(URN)
    stored, now = read(stack, stored_request_item_key(request_id)), stack.clock.now()
    alive, over = (structs.replace(stored, expires_at=end) for end in (now + 1, now))
    assert read_stored_request(stack.broker, alive, request_id).request.client_id == client.client_id
    with pytest.raises(PageError):
        read_stored_request(stack.broker, over, request_id)


@requirement("PAR-02")
def test_unticked_scopes_stay_unticked(stack: Stack) -> None:
    client, _ = stack.client(scopes=frozenset({"openid", "email"}), optional_scopes=frozenset({"openid", "email"}))
    browser = stack.browser()
    page = follow(browser, client, reference(stack, client, scope="email"))
    fields = [("request", dict(read_page(page.body).fields)["request"]), ("provider", "demo"), ("decision", "allow")]
    left = browser.post("/signin", fields)
    back = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert redeem(stack, client, back.location).json["scope"] == ""


@requirement("PAR-03", "AUTHZ-12", "AUTHZ-14")
def test_refusals_of_a_pushed_request_go_to_its_own_redirect(stack: Stack) -> None:
    client, _ = stack.client()
    answer = follow(stack.browser(), client, reference(stack, client, prompt="none", state="kept"), state="other")
    assert_told(answer, "login_required", state="kept", iss=stack.settings.issuer)
    assert answer.headers_named("set-cookie")


@requirement("PAR-03", "AUTHZ-15")
def test_a_self_registered_client_gains_no_redirect_by_pushing(make_stack) -> None:
    stack = make_stack()
    client, _ = stack.client(registered_by="self")
    answer = follow(stack.browser(), client, reference(stack, client, prompt="none"))
    assert_page(answer, says="can’t ask for that")


@requirement("PAR-03", "META-02")
def test_a_client_or_everybody_can_be_made_to_push(make_stack) -> None:
    stack = make_stack()
    client, _ = stack.client(**REQUIRED)
    free, _ = stack.client()
    plain = stack.authorize_parameters(client)
    with only_written(stack):
        assert_told(stack.authorize(plain), "invalid_request", state=plain["state"], iss=stack.settings.issuer)
    assert stack.authorize(stack.authorize_parameters(free)).status == 200
    assert follow(stack.browser(), client, reference(stack, client)).status == 200
    assert stack.get("/.well-known/openid-configuration").json["require_pushed_authorization_requests"] is False
    stack.restart(**REQUIRED)
    plain = stack.authorize_parameters(free)
    assert_told(stack.authorize(plain), "invalid_request", state=plain["state"], iss=stack.settings.issuer)
    assert follow(stack.browser(), free, reference(stack, free)).status == 200
    assert stack.get("/.well-known/openid-configuration").json["require_pushed_authorization_requests"] is True


@requirement("PAR-01", "GEN-19")
def test_a_page_of_another_origin_may_push(stack: Stack) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert request(stack.netloc, "OPTIONS", "/par", headers=asked).header("access-control-allow-origin") == "*"
    client, _ = stack.client()
    assert push(stack, client).header("access-control-allow-origin") == "*"


@requirement("PAR-03", "REG-04")
def test_an_app_registers_that_it_pushes(make_stack) -> None:
    stack = make_stack(registration="open")
    document = {"redirect_uris": [APP], "token_endpoint_auth_method": "none", **REQUIRED}
    headers = {"Content-Type": "application/json"}
    answer = request(stack.netloc, "POST", "/register", body=json.dumps(document), headers=headers)
    assert answer.status == 201 and answer.json["require_pushed_authorization_requests"] is True
    query = {**stack.authorize_parameters(stack.client()[0]), "client_id": answer.json["client_id"], "scope": "openid"}
    assert_page(stack.authorize(query), says="can’t ask for that")
