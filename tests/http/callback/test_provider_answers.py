"""What a broken or hostile provider answers: nothing of it is used before it is proven (CB-07 to CB-11)."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from cli.deployment.operations import set_provider
from tests.kit.http.browser import read_page
from tests.kit.http.sign_in_scene import (
    add_provider,
    assert_nothing_came_of_it,
    assert_page,
    connections,
    consents,
    only_written,
    subjects,
    with_query,
)
from tests.kit.http.stack import APP, SignIn, Stack, challenge
from tests.kit.requirement import requirement


@pytest.fixture
def arriving(stack: Stack) -> SignIn:
    client, _ = stack.client()
    return stack.to_callback(client)


def failed(stack: Stack, arriving: SignIn, status: int = 502) -> None:
    """A claim and its end are all that was written; the page leads back to the app with a registered error."""
    with only_written(stack, "GRANT", "GRANT"):
        answer = arriving.browser.get(arriving.callback)
    assert answer.status == status and answer.header("location") is None and answer.location == ""
    assert_nothing_came_of_it(stack, answer)
    assert "tb_session" not in arriving.browser.cookies
    assert APP in answer.body and ("error=server_error" in answer.body or "error=temporarily" in answer.body)
    asked = stack.provider.count("token")
    stack.provider.faults.reset()
    again = arriving.browser.get(arriving.callback)
    assert_page(again, says="This sign-in has expired")
    assert stack.provider.count("token") == asked
    assert (subjects(stack), consents(stack), connections(stack)) == ([], [], [])


@requirement("CB-08")
@pytest.mark.parametrize(
    "fault",
    ["wrong_nonce", "wrong_id_token_issuer", "wrong_audience", "wrong_key", "unsigned", "expired_id_token",
     "drop_id_token", "other_userinfo_subject"],
)  # fmt: skip
def test_an_id_token_with_one_claim_wrong_is_none(stack: Stack, arriving: SignIn, fault: str) -> None:
    setattr(stack.provider.faults, fault, True)
    failed(stack, arriving)


FAULTS: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 200},
    {"html": True},
    {"huge": True},
    {"broken_json": True},
    {"lose_answer": True},
    {"token_error": "invalid_client"},
    {"token_error": "<script>CANARY</script>", "errors_as_200": True},
    {"token_type": "mac"},
    {"at": frozenset({"userinfo"}), "broken_json": True},
    {"at": frozenset({"userinfo"}), "html": True},
]


@requirement("CB-08", "CB-10")
@pytest.mark.parametrize("faults", FAULTS, ids=str)
def test_an_answer_that_makes_no_sense_ends_the_sign_in(stack: Stack, arriving: SignIn, faults: dict[str, Any]) -> None:
    for name, value in faults.items():
        setattr(stack.provider.faults, name, value)
    failed(stack, arriving)
    assert "CANARY" not in stack.log.getvalue()


@requirement("CB-10", "F30")
@pytest.mark.parametrize("faults", [{}, {"errors_as_200": True}], ids=str)
def test_a_code_that_the_provider_refuses_came_through_the_browser_and_is_no_fault_of_a_server(
    stack: Stack, arriving: SignIn, faults: dict[str, Any]
) -> None:
    for name, value in faults.items():
        setattr(stack.provider.faults, name, value)
    arriving.callback = with_query(arriving.callback, code="made-up")
    failed(stack, arriving, status=400)


@pytest.mark.parametrize("faults", [{"status": 500}, {"lose_answer": True}], ids=str)
def test_where_an_id_token_has_said_who_it_is_a_profile_that_cannot_be_had_costs_only_the_profile(
    stack: Stack, arriving: SignIn, faults: dict[str, Any]
) -> None:
    stack.provider.faults.at = frozenset({"userinfo"})
    for name, value in faults.items():
        setattr(stack.provider.faults, name, value)
    assert "code" in arriving.browser.get(arriving.callback).answered


@requirement("CB-08")
def test_without_the_providers_keys_nothing_is_believed(stack: Stack, arriving: SignIn) -> None:
    stack.provider.rotate_keys()
    stack.provider.faults.at, stack.provider.faults.status = frozenset({"jwks"}), 500
    failed(stack, arriving)


@requirement("CB-08")
def test_a_new_key_of_the_provider_is_found(stack: Stack) -> None:
    client, _ = stack.client()
    assert "code" in stack.sign_in(client).answer.answered
    stack.provider.rotate_keys()
    stack.clock.advance(61)
    assert "code" in stack.sign_in(client, browser=stack.browser()).answer.answered


@requirement("F19", "CB-08")
def test_a_provider_whose_documents_are_down_for_a_day_signs_in_by_the_keys_that_are_known(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack.provider.grants, "clock", stack.clock.now)
    client, _ = stack.client()
    asked = stack.provider.count("jwks")
    assert "code" in stack.sign_in(client).answer.answered
    stack.provider.faults.at, stack.provider.faults.status = frozenset({"jwks", "discovery"}), 503
    for _ in range(3):
        stack.clock.advance(8 * 3600 - 1)
        assert "code" in stack.sign_in(client, browser=stack.browser()).answer.answered
    fresh = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), fresh)
    stack.clock.advance(61)
    assert_page(stack.decide(fresh, page, provider="demo"), 503)
    assert stack.provider.count("jwks") == asked + 4, "the first one, and one look each time since"


@requirement("CB-07", "CB-01")
def test_a_code_of_another_sign_in_does_not_pass_for_this_ones(stack: Stack, arriving: SignIn) -> None:
    """An attacker's own code from the provider, put into the victim's callback."""
    attackers = stack.to_callback(arriving.client, browser=stack.browser(), who="bob")
    code = dict(parse_qsl(urlsplit(attackers.callback).query))["code"]
    answer = arriving.browser.get(with_query(arriving.callback, code=code))
    assert_page(answer, 400)
    assert_nothing_came_of_it(stack, answer)


@requirement("CB-07")
def test_the_provider_gets_a_fresh_challenge_nonce_and_only_what_was_allowed(stack: Stack) -> None:
    client, _ = stack.client(optional_scopes=frozenset({"demo:notes:read"}))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    fields = [pair for pair in read_page(page.body).fields if pair[0] == "request"]
    left = browser.post("/signin", [*fields, ("provider", "demo"), ("decision", "allow")])
    asked = left.answered
    assert asked["code_challenge_method"] == "S256" and len(asked["nonce"]) == 43
    assert asked["scope"].split() == ["openid", "email", "profile"]
    assert asked["redirect_uri"] == f"{stack.settings.issuer}/callback/demo"
    assert asked["code_challenge"] != challenge("v" * 43)
    assert "client_secret" not in asked and "code_verifier" not in asked
    browser.get(stack.provider.sign_in(left.location))
    sent = [request for request in stack.provider.requests if request.endpoint == "token"][-1].form
    assert challenge(sent["code_verifier"]) == asked["code_challenge"]


@requirement("CB-09")
def test_one_e_mail_address_at_two_providers_makes_two_users(stack: Stack) -> None:
    add_provider(stack)
    client, _ = stack.client()
    subs = set()
    for provider_id in ("demo", "oidc"):
        browser = stack.browser()
        page = stack.authorize(stack.authorize_parameters(client, scope="openid email", provider=provider_id), browser)
        left = stack.decide(browser, page, provider=provider_id)
        answer = browser.get(stack.provider.sign_in(left.location, "alice"))
        assert "code" in answer.answered
        subs = {subject.sub for subject in subjects(stack)}
    assert len(subs) == 2


@requirement("CB-09")
def test_one_account_is_one_user_and_another_account_in_the_same_browser_is_another(stack: Stack) -> None:
    client, _ = stack.client()
    other, _ = stack.client()
    browser = stack.browser()
    for asking, who in ((client, "alice"), (other, "alice"), (other, "bob")):
        parameters = stack.authorize_parameters(asking, prompt="consent login")
        left = stack.decide(browser, stack.authorize(parameters, browser), provider="demo")
        assert "code" in browser.get(stack.provider.sign_in(left.location, who)).answered
    assert len(subjects(stack)) == 2
    assert len({connection.connection_id for connection in connections(stack)}) == 3


@requirement("CB-08", "META-01")
def test_our_registration_at_the_provider_is_what_the_token_is_for(stack: Stack, arriving: SignIn) -> None:
    """The provider's record changes on the way: the token is held against what stands there now."""
    set_provider(stack.deployment, "demo", client_id="somebody-else", client_secret="s" * 40, issuer=stack.provider.url)
    stack.restart()
    answer = arriving.browser.get(arriving.callback)
    assert_page(answer, 502)
    assert_nothing_came_of_it(stack, answer)


@requirement("CB-11")
def test_what_the_provider_gave_is_what_is_stored(stack: Stack) -> None:
    stack.provider.faults.more_scopes = frozenset({"notes:write"})
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    (connection,) = connections(stack)
    assert "notes:write" in connection.granted and connection.status == "active"
    handed = stack.exchange(sign_in, stack.redeem(sign_in).json["access_token"])
    assert handed.status == 400 and handed.json["error"] == "invalid_scope"
