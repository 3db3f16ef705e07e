"""The cards of the demo app, with a broker played by the test: every outcome in plain words, no word as markup."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from local.demo.app_server import DemoServer
from tests.local.demo.played import ALICE, ISSUER, PlayedBroker, sign_in

BOB = {**ALICE, "connection_id": "b" * 32, "label": "bob", "default": False}


@pytest.mark.parametrize(
    ("result", "word", "sentence"),
    [
        ("revoked", "Revoked", "Nothing of it is alive at Demo Notes any more."),
        ("not_supported", "Not supported", "Demo Notes offers no call that ends it there."),
        ("kept_shared", "Kept, shared", "kept at Demo Notes for another app of yours."),
        ("pending", "Pending", "at Demo Notes it ends as soon as that can be known."),
        ("failed", "Failed", "Demo Notes did not take the call."),
    ],
)
def test_what_became_of_each_token_is_said_with_its_reason(
    page: Page, broker: PlayedBroker, result: str, word: str, sentence: str
) -> None:
    tokens = [{"token": "refresh_token", "result": result, "reason": "<b>Because</b>."}]
    broker.ending = {"at_provider": result, "tokens": tokens}
    sign_in(page)
    expect(page.locator("[data-action=disconnect]")).to_be_enabled()
    broker.connections = []
    page.locator("[data-action=disconnect]:enabled").click()
    ending = page.locator(".ending")
    expect(ending.locator("h3")).to_have_text("<i>alice</i> is disconnected")
    expect(ending.locator(".all")).to_contain_text(sentence)
    expect(ending.locator("li")).to_contain_text(f"Refresh token: {word}")
    expect(ending.locator("small")).to_have_text("<b>Because</b>.")
    expect(page.locator(".none")).to_be_visible()
    assert ("DELETE", "/connections/" + "c" * 32) in broker.called


def test_what_is_still_alive_somewhere_is_said_after_the_sign_in(page: Page, broker: PlayedBroker) -> None:
    tokens = [{"token": "access_token", "result": "not_supported", "reason": "It lives until it expires."}]
    settings = "https://notes.example/apps"
    broker.ended = [
        {"provider": "demo", "at_provider": "not_supported", "tokens": tokens, "provider_settings": settings}
    ]
    sign_in(page)
    expect(page.locator(".ending li")).to_contain_text("It lives until it expires.")
    expect(page.locator(".ending a")).to_have_attribute("href", settings)


def test_the_chosen_account_is_named_and_the_default_one_is_not(page: Page, broker: PlayedBroker) -> None:
    broker.connections = [{**ALICE}, {**BOB}]
    sign_in(page)
    expect(page.locator(".account")).to_have_count(2)
    expect(page.locator(".account .chip")).to_have_text("default")
    page.locator("[data-action=hand-out]:enabled").click()
    expect(page.locator(".answer li")).to_be_visible()
    assert broker.forms[-1]["audience"] == "demo"
    page.get_by_label("bob").check()
    page.locator("[data-action=hand-out]:enabled").click()
    expect(page.locator(".answer")).to_be_visible()
    expect(page.locator("[data-action=hand-out]")).to_be_enabled()
    assert broker.forms[-1]["audience"] == "b" * 32
    with page.expect_request(f"{ISSUER}/proxy/demo/notes") as call:
        page.locator("[data-action=proxy]:enabled").click()
    assert call.value.headers["broker-connection"] == "b" * 32


@pytest.mark.parametrize("way", ["hand-out", "proxy"])
def test_a_refusal_with_a_way_out_offers_it(page: Page, broker: PlayedBroker, way: str) -> None:
    document = {"error": "invalid_grant", "reason": "reauth_required", "retry": "after_connect"}
    refusal: Any = (409, document | {"connect_uri": f"{ISSUER}/connect/sealed"})
    broker.exchange = broker.proxied = refusal
    sign_in(page)
    page.locator(f"[data-action={way}]:enabled").click()
    expect(page.locator(".card .problem h3")).to_have_text("It has to be connected again")
    link = page.get_by_role("link", name="Connect it now")
    expect(link).to_have_attribute("href", f"{ISSUER}/connect/sealed")
    with page.context.expect_page() as opened:
        link.click()
    assert opened.value.evaluate("opener") is None


@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "https://evil.example/connect/x", f"{ISSUER}.evil.example/connect/x"]
)
def test_a_way_out_that_leads_elsewhere_is_not_offered(page: Page, broker: PlayedBroker, uri: str) -> None:
    broker.exchange = (400, {"error": "invalid_grant", "reason": "reauth_required", "connect_uri": uri})
    sign_in(page)
    page.locator("[data-action=hand-out]:enabled").click()
    expect(page.locator(".card .problem")).to_be_visible()
    expect(page.get_by_role("link", name="Connect it now")).to_have_count(0)
    assert page.locator(".card .problem a").get_attribute("href") is None


def test_an_older_token_is_renewed_and_the_question_asked_once_more(page: Page, broker: PlayedBroker) -> None:
    broker.exchange = (400, {"error": "invalid_scope", "reason": "not_allowed", "retry": "with_new_token"})
    sign_in(page)
    page.locator("[data-action=hand-out]:enabled").click()
    expect(page.locator(".card .problem")).to_be_visible()
    grants = [form["grant_type"].rpartition(":")[2] for form in broker.forms]
    assert grants == ["authorization_code", "token-exchange", "refresh_token", "token-exchange"]


def test_a_tab_that_comes_back_tells_the_first_one_which_asks_the_broker(
    page: Page, broker: PlayedBroker, server: DemoServer
) -> None:
    sign_in(page)
    with page.context.expect_page() as opened:
        page.locator("[data-action=connect]:enabled").click()
    tab = opened.value
    tab.wait_for_url(f"{ISSUER}/connect/sealed")
    assert tab.evaluate("opener") is None
    expect(page.locator(".said")).to_contain_text("Go on in the tab that has opened")
    broker.connections = [{**ALICE}, {**BOB}]
    state = broker.asked_link["state"]
    tab.goto(f"{server.url}/callback?connection_id={'b' * 32}&state={state}&iss={ISSUER}")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Connected")
    assert tab.url == f"{server.url}/"
    expect(page.locator(".said")).to_have_text("bob is connected.")
    assert broker.forms[-1]["grant_type"] == "refresh_token"


@pytest.mark.parametrize("changed", [{"iss": "https://evil.example"}, {"state": "connect-of-another"}])
def test_a_tab_that_comes_back_from_elsewhere_changes_nothing(
    page: Page, broker: PlayedBroker, server: DemoServer, changed: dict[str, str]
) -> None:
    sign_in(page)
    expect(page.locator(".account")).to_have_count(1)
    asked = len(broker.called)
    answer = {"connection_id": "b" * 32, "state": "connect-x", "iss": ISSUER} | changed
    tab = page.context.new_page()
    tab.goto(f"{server.url}/callback?" + "&".join(f"{name}={value}" for name, value in answer.items()))
    title = tab.locator("#problem h2" if "iss" in changed else "#connected h1")
    expect(title).to_have_text("The wrong broker answered" if "iss" in changed else "Connected")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#status")).to_contain_text("New tokens")
    assert [path for _, path in broker.called[asked:]] == ["/token"]


def test_a_no_in_the_other_tab_is_told(page: Page, broker: PlayedBroker, server: DemoServer) -> None:
    sign_in(page)
    with page.context.expect_page() as opened:
        page.locator("[data-action=connect]:enabled").click()
    opened.value.wait_for_url(f"{ISSUER}/connect/sealed")
    expect(page.locator(".said")).to_be_visible()
    opened.value.goto(f"{server.url}/callback?error=access_denied&state={broker.asked_link['state']}&iss={ISSUER}")
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("You said no")
    expect(page.locator(".card .problem h3")).to_have_text("You said no")
