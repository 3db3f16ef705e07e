"""What is refused at the authorization endpoint, and where the refusal goes (RFC 6749 section 4.1.2.1)."""

from urllib.parse import urlencode

import pytest

from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import DEPLOYMENT, client_item_key, resource_item_key
from chalicelib.records.resource import Resource
from chalicelib.records.revocation import Revocation
from tests.http.authorization.wrong_requests import API, WRONG
from tests.kit.http.browser import DEVELOPER, FORM
from tests.kit.http.sign_in_scene import assert_page, assert_told, change, only_written
from tests.kit.http.stack import APP, SCOPE, Stack, challenge
from tests.kit.requirement import requirement


@requirement("AUTHZ-01", "AUTHZ-03")
def test_unknown_disabled_and_ended_clients_get_the_same_page_before_anything_else(stack: Stack) -> None:
    client, _ = stack.client()
    disabled, _ = stack.client(marks=Revocation(disabled=True))
    ended, _ = stack.client(expires_at=stack.clock.now())
    bodies = set()
    for client_id in ("0" * 32, "no-id", "", disabled.client_id, ended.client_id):
        parameters = stack.authorize_parameters(client, client_id=client_id, response_type="token", scope="bad")
        with only_written(stack):
            answer = stack.authorize(parameters)
        assert_page(answer, says="We don’t know this app")
        bodies.add(answer.body.partition(DEVELOPER)[0])
    assert len(bodies) == 1


@requirement("AUTHZ-01")
def test_a_deployment_that_is_switched_off_knows_no_client(stack: Stack) -> None:
    client, _ = stack.client()
    stack.deployment.put(DEPLOYMENT, Deployment(marks=Revocation(disabled=True)))
    assert_page(stack.authorize(stack.authorize_parameters(client)), says="We don’t know this app")


@requirement("AUTHZ-02", "AUTHZ-03")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        APP + "/", APP + "?", APP + "?x=1", APP + "#f", APP.upper(), APP.replace("https", "http"), APP + "%2f",
        "https://app.example:443/callback", "https://app.example/Callback", "https://app.example/a/../callback",
        "https://app.example.attacker.example/callback", "https://u@app.example/callback", "//app.example/callback",
        "https://app.example@attacker.example/callback", "javascript:alert(1)", "https://app.example\\@x/callback",
    ],
)  # fmt: skip
def test_a_redirect_uri_that_is_not_the_registered_string_never_gets_a_redirect(
    stack: Stack, redirect_uri: str
) -> None:
    client, _ = stack.client()
    for wrong in ({}, {"response_type": "token"}, {"scope": "unknown"}, {"code_challenge": None}, {"prompt": "none"}):
        answer = stack.authorize(stack.authorize_parameters(client, redirect_uri=redirect_uri, **wrong))
        assert_page(answer)
        assert redirect_uri not in answer.body.partition(DEVELOPER)[0]


@requirement("AUTHZ-02")
def test_only_the_port_of_a_native_apps_loopback_address_may_differ(stack: Stack) -> None:
    native, _ = stack.client(application_type="native", redirect_uris=("http://127.0.0.1/back",))
    web, _ = stack.client(application_type="web", redirect_uris=("http://127.0.0.1/back",))
    asked = "http://127.0.0.1:51234/back"
    assert stack.authorize(stack.authorize_parameters(native, redirect_uri=asked)).status == 200
    for other in ("http://127.0.0.1:51234/", "http://127.0.0.2:51234/back", "https://127.0.0.1:51234/back"):
        assert_page(stack.authorize(stack.authorize_parameters(native, redirect_uri=other)))
    assert_page(stack.authorize(stack.authorize_parameters(web, redirect_uri=asked)))


@requirement("AUTHZ-04")
def test_one_registered_address_need_not_be_sent_and_of_two_none_is_guessed(stack: Stack) -> None:
    one, _ = stack.client()
    two, _ = stack.client(redirect_uris=(APP, "https://app.example/other"))
    assert stack.authorize(stack.authorize_parameters(one, redirect_uri=None)).status == 200
    assert_page(stack.authorize(stack.authorize_parameters(two, redirect_uri=None)))


@requirement("AUTHZ-06", "AUTHZ-07", "AUTHZ-08", "AUTHZ-09", "AUTHZ-10", "AUTHZ-11", "AUTHZ-12", "AUTHZ-13", "AUTHZ-17")
@pytest.mark.parametrize(("line", "wrong", "error"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_request_is_told_to_the_app_with_state_and_issuer(
    stack: Stack, line: str, wrong: dict[str, str | None], error: str
) -> None:
    for audience in (API, "https://other.example/api"):
        stack.deployment.put(resource_item_key(audience), Resource(audience=audience, scopes=frozenset({"notes"})))
    client, _ = stack.client(resources=frozenset({API}))
    port = str(stack.provider.port)
    filled = {name: value and value.replace("{port}", port) for name, value in wrong.items()}
    state, heard = "odd state/+?&=%\u00e4", len(stack.provider.requests)
    with only_written(stack):
        answer = stack.authorize(stack.authorize_parameters(client, state=state, **filled))
    assert_told(answer, error, state=state, iss=stack.settings.issuer)
    assert len(stack.provider.requests) == heard, line


@requirement("AUTHZ-13")
def test_a_state_beyond_its_limit_never_comes_back(stack: Stack) -> None:
    client, _ = stack.client()
    answer = stack.authorize(stack.authorize_parameters(client, state="s" * 2049))
    assert_page(answer)
    assert "sss" not in answer.body
    assert stack.authorize(stack.authorize_parameters(client, state="s" * 2048)).status == 200


@requirement("AUTHZ-12", "AUTHZ-13")
def test_without_a_state_the_app_still_gets_the_issuer(stack: Stack) -> None:
    client, _ = stack.client(redirect_uris=(APP + "?kept=1",))
    answer = stack.authorize(stack.authorize_parameters(client, state=None, scope="unknown"))
    assert answer.answered["kept"] == "1" and answer.answered["iss"] == stack.settings.issuer
    assert "state" not in answer.answered


@requirement("GEN-01", "AUTHZ-03")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state", "response_type", "code_challenge"])
def test_a_parameter_given_twice_never_gets_a_redirect(stack: Stack, name: str) -> None:
    client, _ = stack.client()
    parameters = stack.authorize_parameters(client)
    for second in (parameters[name], "other", ""):
        twice = urlencode([*parameters.items(), (name, second)])
        assert_page(stack.browser().get("/authorize?" + twice))
        posted = stack.browser().send("POST", "/authorize", body=twice, headers={"Content-Type": FORM})
        assert_page(posted)


@requirement("GEN-01", "GEN-22")
def test_a_posted_request_goes_on_as_a_get_of_the_same_and_nothing_twice(stack: Stack) -> None:
    client, _ = stack.client()
    parameters = stack.authorize_parameters(client)
    browser = stack.browser()
    answer = browser.post("/authorize", parameters)
    assert (answer.status, answer.header("location")) == (303, "/authorize?" + urlencode(parameters))
    assert browser.get(answer.location).status == 200
    mixed = browser.post("/authorize?state=other", parameters)
    assert_page(browser.get(mixed.location) if mixed.status == 303 else mixed)
    huge = browser.post("/authorize", {**parameters, **{f"x{n}": "y" * 4000 for n in range(10)}})
    assert huge.status in (400, 413)


@requirement("AUTHZ-10", "AUTHZ-11")
def test_what_is_right_reaches_the_page_in_any_order(stack: Stack) -> None:
    stack.deployment.put(resource_item_key(API), Resource(audience=API, scopes=frozenset({"notes"})))
    client, _ = stack.client(resources=frozenset({API}), scopes=frozenset(SCOPE.split()) | {"notes"})
    scope = " ".join(reversed([*SCOPE.split(), "notes"]))
    parameters = stack.authorize_parameters(client, scope=scope, resource=API, unknown="ignored", login_hint="")
    answer = stack.authorize(parameters)
    assert answer.status == 200 and "read your notes" in answer.body


@requirement("AUTHZ-01")
def test_a_client_that_is_switched_off_while_cached_is_refused_within_ten_seconds(stack: Stack) -> None:
    client, _ = stack.client()
    parameters = stack.authorize_parameters(client, code_challenge=challenge("w" * 43))
    assert stack.authorize(parameters).status == 200
    change(stack, client_item_key(client.client_id), marks=Revocation(disabled=True))
    stack.clock.advance(10)
    assert_page(stack.authorize(parameters), says="We don’t know this app")
