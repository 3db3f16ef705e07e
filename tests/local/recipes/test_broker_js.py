"""clients/javascript/broker.js and <connected-accounts> in Chromium, before a broker that runs."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from local.demo.backend import Behind
from local.demo.controls import Played
from local.node import FOLDER
from tests.kit.browser_steps import CANCEL, decide, sign_in_at_provider
from tests.kit.requirement import requirement

AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
BROKER = "document.querySelector('connected-accounts').broker"
OUTCOME = "(error) => ({ code: error.code, message: error.message, ...error.details })"


@pytest.fixture(scope="module")
def signed_in(open_recipe: Callable[[str], Page]) -> Page:
    """Alice, in the plain page."""
    page = open_recipe("redirect-oauth4webapi")
    page.get_by_role("button", name="Sign in").click()
    decide(page)
    sign_in_at_provider(page)
    expect(page.get_by_role("listitem")).to_have_count(2)
    return page


@pytest.fixture
def page(signed_in: Page, demo: Behind) -> Page:
    """The same with the providers well, and the user's attention in a window that opens."""
    for provider in demo.providers.values():
        provider.faults.reset()
    signed_in.evaluate("window.attention = false")
    return signed_in


def ask(page: Page, call: str) -> Any:
    """What a call of the broker's gives, or what it is refused with."""
    return page.evaluate(f"{BROKER}.{call}.catch({OUTCOME})")


def row(page: Page, name: str) -> Locator:
    """One account."""
    return page.get_by_role("listitem").filter(has_text=name)


def press(page: Page, name: str, button: str) -> Page:
    """Press a button in a row that opens a window: that window."""
    with page.context.expect_page() as opened:
        row(page, name).get_by_role("button", name=button, exact=True).click()
    return opened.value


def check_accessible(page: Page) -> None:
    """By axe, in both colour schemes."""
    page.add_script_tag(path=AXE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = page.evaluate("async () => (await axe.run('connected-accounts')).violations")
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


@requirement("DLV-01")
def test_an_account_is_connected_and_taken_back_by_the_keyboard_alone(page: Page, demo: Behind) -> None:
    check_accessible(page)
    row(page, "Demo Notes").get_by_role("button").focus()
    page.keyboard.press("Tab")
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    window = opened.value
    expect(window.get_by_role("button", name="Continue with")).to_be_visible()
    assert window.evaluate("window.opener") is None
    decide(window)
    sign_in_at_provider(window)
    expect(row(page, "Demo Calendar")).to_contain_text("alice · Connected")
    expect(page.get_by_role("status")).to_have_text("Demo Calendar: Connected")
    expect(page.get_by_role("status")).to_be_focused()
    check_accessible(page)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(row(page, "Demo Calendar").get_by_role("button")).to_have_text("Really disconnect?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Disconnected, also at the provider.")
    expect(row(page, "Demo Calendar")).to_contain_text("Not connected")
    assert demo.providers["calendar"].count("revoke") == 1


@requirement("DLV-01")
def test_a_first_press_that_was_a_mistake_is_forgotten(page: Page) -> None:
    button = row(page, "Demo Notes").get_by_role("button")
    button.click()
    expect(button).to_have_text("Really disconnect?")
    page.get_by_role("heading").click()
    expect(button).to_have_text("Disconnect")


@requirement("DLV-01")
def test_a_no_of_the_user_has_a_code_of_its_own(page: Page) -> None:
    decide(press(page, "Demo Calendar", "Connect"), CANCEL)
    expect(page.get_by_role("status")).to_have_text("You declined. Nothing was connected.")


@requirement("DLV-01")
def test_a_window_that_is_open_reads_as_closed_and_is_waited_for(page: Page) -> None:
    window = press(page, "Demo Calendar", "Connect")
    expect(window.get_by_role("button", name="Continue with")).to_be_visible()
    window.wait_for_timeout(2500)  # longer than a user is waited for who is back on the page
    expect(page.get_by_role("status")).to_have_text("")
    window.close()
    page.evaluate("window.attention = true")
    expect(page.get_by_role("status")).to_have_text("You closed the window. Nothing was connected.")


@requirement("DLV-01")
def test_an_answer_that_nobody_heard_is_found_at_the_broker(page: Page) -> None:
    window = press(page, "Demo Calendar", "Connect")
    window.route("**/clients/broker.js", lambda route: route.abort())  # its page cannot tell anybody
    decide(window)
    sign_in_at_provider(window)
    window.wait_for_url("**/callback?*")
    page.evaluate("window.attention = true")
    window.close()
    expect(page.get_by_role("status")).to_have_text("Demo Calendar: Connected")
    calendar = next(one for one in ask(page, "connections()") if one["provider"] == "calendar")
    ended = ask(page, f"revoke('{calendar['connection_id']}')")
    assert ended["at_provider"] == "revoked"
    expect(row(page, "Demo Calendar")).to_contain_text("Not connected")


@requirement("DLV-04")
@pytest.mark.parametrize(
    "forged",
    ['{ state: "connect-other", iss }', '{ state: "connect-mine", iss: "https://other.example" }'],
    ids=["request", "broker"],
)
def test_an_answer_to_another_request_or_of_another_broker_is_not_taken(page: Page, forged: str) -> None:
    page.evaluate("crypto.randomUUID = () => 'mine'")
    window = press(page, "Demo Calendar", "Connect")
    expect(window.get_by_role("button", name="Continue with")).to_be_visible()
    page.evaluate(
        f"""async () => {{
          const iss = (await (await fetch("/config.json")).json()).issuer;
          const told = new BroadcastChannel("token-broker");
          told.postMessage({{ ...{forged}, connection_id: "forged" }});
          await new Promise((done) => setTimeout(done, 600));
        }}"""
    )
    expect(page.get_by_role("status")).to_have_text("")
    decide(window, CANCEL)
    expect(page.get_by_role("status")).to_have_text("You declined. Nothing was connected.")
    page.evaluate("delete crypto.randomUUID")


@requirement("DLV-01")
def test_a_blocked_window_leaves_a_link(page: Page, demo: Behind) -> None:
    page.evaluate("window.was = window.open; window.open = () => null")
    row(page, "Demo Calendar").get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("The browser blocked the window.")
    link = page.get_by_role("link", name="Open the page of the connection")
    expect(link).to_have_attribute("href", re.compile(f"^{re.escape(demo.broker.issuer)}/connect/"))
    check_accessible(page)
    page.evaluate("window.open = window.was")


@requirement("DLV-01")
def test_a_token_is_handed_out_and_what_only_the_user_can_renew_says_so(page: Page, demo: Behind) -> None:
    assert ask(page, "exchange('demo', 'notes:read')")["scope"] == "email notes:read openid profile"
    assert ask(page, "exchange('demo', 'notes:write')")["code"] == "invalid_scope"
    Played("demo", demo.provider, demo.broker.deployment).remove()
    refused = ask(page, "exchange('demo')")
    assert (refused["code"], refused["retry"]) == ("reauth_required", "after_connect")
    assert refused["connect_uri"].startswith(f"{demo.broker.issuer}/connect/")
    page.evaluate("document.querySelector('connected-accounts').refresh()")
    expect(row(page, "Demo Notes")).to_contain_text("Needs to be connected again")
    window = press(page, "Demo Notes", "Connect again")
    decide(window)
    sign_in_at_provider(window)
    expect(row(page, "Demo Notes")).to_contain_text("alice · Connected")
    assert "access_token" in ask(page, "exchange('demo')")


@requirement("DLV-01")
def test_an_access_token_that_is_over_is_refreshed_once(page: Page) -> None:
    found = page.evaluate(
        """async () => {
          const { Broker } = await import("/clients/broker.js");
          const { issuer, client_id } = await (await fetch("/config.json")).json();
          const [asked, codes] = [[], []];
          const app = { issuer, clientId: client_id, redirectUri: location.origin };
          const old = new Broker({ ...app, token: (fresh) => asked.push(fresh) && "over" });
          const nowhere = new Broker({ ...app, issuer: "http://127.0.0.1:9", token: () => "any" });
          for (const call of [() => old.connections(), () => old.exchange("demo"), () => nowhere.connections()]) {
            await call().catch(({ code }) => codes.push(code));
          }
          return { asked, codes };
        }"""
    )
    assert found == {"asked": [False, True] * 2, "codes": ["invalid_token", "invalid_request", "unreachable"]}
