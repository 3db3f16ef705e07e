"""Two providers in the demo app: connected, read both ways, expired, ended there, several accounts, taken back."""

import io
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from cli.deployment.local_environment import LOCAL
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.fake.control import change
from tests.kit.browser_steps import CANCEL, card_of, decide, fits, read, sign_in, sign_in_at_provider
from tests.kit.requirement import requirement

OpenPage = Callable[..., Page]


@pytest.fixture
def here() -> Iterator[DemoStack]:
    """A demo of the test's own, whose providers can be asked what they were sent."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LOCAL.items():
            patch.setenv(name, value)
        running = start_demo(io.StringIO(), free_ports=True)
        yield running
        running.stop()


@pytest.fixture
def page(here: DemoStack, open_page: OpenPage) -> Page:
    """Alice, signed in at Demo Notes."""
    opened = open_page(here.app.url)
    sign_in(opened)
    return opened


def connect(page: Page, provider: str = "calendar", who: str = "Alice", by: str = "[data-action=connect]") -> None:
    """From the card to a tab of its own, through our page and the provider's, and back to the app.

    by   what is pressed in the card
    """
    with page.context.expect_page() as opened:
        card_of(page, provider).locator(by).click()
    tab = opened.value
    decide(tab)
    sign_in_at_provider(tab, who)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Connected")
    expect(card_of(page, provider).locator(".said")).to_have_text(f"{who.lower()} is connected.")
    expect(card_of(page, provider).locator("[data-action=connect]")).to_be_enabled()
    tab.close()


def refreshes(here: DemoStack, provider: str = "calendar") -> list[str]:
    """The refresh tokens that a provider was sent, in order."""
    asked = [one.form for one in here.providers[provider].requests if one.endpoint == "token"]
    return [form["refresh_token"] for form in asked if form.get("grant_type") == "refresh_token"]


def pull(page: Page, lever: str) -> None:
    """Play the calendar."""
    card = card_of(page, "calendar")
    if not card.locator(".play").evaluate("details => details.open"):
        card.locator(".play summary").click()
    card.locator(f"[data-action={lever}]").click()
    expect(card.locator(f"[data-action={lever}]")).to_be_enabled()
    expect(card.locator(".said")).to_be_visible()


@requirement("VLT-02", "PRX-01")
def test_two_providers_are_connected_and_read_by_hand_out_and_through_the_proxy(here: DemoStack, page: Page) -> None:
    expect(card_of(page, "calendar").locator(".none")).to_be_visible()
    connect(page)
    for provider, text in (("demo", "Buy oranges"), ("calendar", "Mon 09:30 Dentist")):
        for way in ("hand-out", "proxy"):
            expect(read(page, way, provider).locator("li").first).to_have_text(text)
        assert here.providers[provider].count("api") >= 2
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]
    given = [*here.provider.grants.access_tokens, *here.providers["calendar"].grants.access_tokens]
    assert len(given) == 2 and not [token for token in given if token in page.content()]


@requirement("VLT-08")
@pytest.mark.parametrize("way", ["hand-out", "proxy"])
def test_what_is_not_connected_offers_the_way_there_and_works_afterwards(here: DemoStack, page: Page, way: str) -> None:
    card = card_of(page, "calendar")
    card.locator(f"[data-action={way}]:enabled").click()
    expect(card.locator(".problem h3")).to_have_text("Not connected yet")
    connect(page, by=".problem a")
    expect(read(page, way, "calendar").locator("li").first).to_have_text("Mon 09:30 Dentist")


@requirement("VLT-07")
@pytest.mark.parametrize("way", ["hand-out", "proxy"])
def test_an_expiry_is_survived_with_one_refresh_and_the_next_one_uses_the_rotated_token(
    here: DemoStack, page: Page, way: str
) -> None:
    change(here.providers["calendar"].grants, {"faults": {"expires_in": 1, "times": 1}})
    connect(page)
    expect(card_of(page, "calendar").locator(".state")).to_contain_text("its token has ended")
    assert refreshes(here) == []
    expect(read(page, way, "calendar").locator(".how")).to_contain_text("One refresh at the provider came before it.")
    expect(read(page, way, "calendar").locator(".how")).to_contain_text("The token in the vault was still good.")
    assert len(refreshes(here)) == 1
    pull(page, "expire")
    expect(card_of(page, "calendar").locator(".state")).to_contain_text("its token has ended")
    expect(read(page, way, "calendar").locator(".how")).to_contain_text("One refresh at the provider came before it.")
    first, second = refreshes(here)
    assert here.providers["calendar"].grants.spent_refresh_tokens[first].child == second
    expect(card_of(page, "calendar").locator(".refreshes")).to_have_text("2")


@requirement("VLT-08")
def test_what_was_ended_at_the_provider_heals_through_the_link_of_the_refusal(here: DemoStack, page: Page) -> None:
    connect(page)
    pull(page, "remove")
    card = card_of(page, "calendar")
    for way in ("hand-out", "proxy"):
        card.locator(f"[data-action={way}]").click()
        expect(card.locator(".problem h3")).to_have_text("It has to be connected again")
        expect(card.locator(".state")).to_have_text("Has to be connected again")
        expect(card.locator(f"[data-action={way}]")).to_be_enabled()
    connect(page, by=".problem a")
    for way in ("hand-out", "proxy"):
        expect(read(page, way, "calendar").locator("li").first).to_have_text("Mon 09:30 Dentist")
    expect(card.locator(".account")).to_have_count(1)


@requirement("VLT-10")
def test_what_another_sign_in_connected_is_allowed_once_more(here: DemoStack, page: Page) -> None:
    connect(page)
    page.locator("#revoke:enabled").click()
    expect(page.locator("#welcome")).to_be_visible()
    page.locator("#sign-in:enabled").click()
    decide(page, "Continue as")  # who is signed in at the broker is not sent to the provider again
    card = card_of(page, "calendar")
    expect(card.locator(".label")).to_have_text(["alice default"])
    card.locator("[data-action=hand-out]:enabled").click()
    expect(card.locator(".problem h3")).to_have_text("This sign-in does not cover it")
    connect(page, by=".problem a")
    expect(read(page, "hand-out", "calendar").locator("li").first).to_have_text("Mon 09:30 Dentist")


@requirement("CONS-07")
def test_several_accounts_of_one_provider_are_labelled_and_one_is_the_default(here: DemoStack, page: Page) -> None:
    connect(page)
    connect(page, who="Bob")
    card = card_of(page, "calendar")
    expect(card.locator(".label")).to_have_text(["alice default", "bob"])
    for way in ("hand-out", "proxy"):
        expect(read(page, way, "calendar").locator("h3")).to_have_text("bob’s events at Demo Calendar")
    card.get_by_label("alice").check()
    expect(read(page, "proxy", "calendar").locator("h3")).to_have_text("alice’s events at Demo Calendar")
    card.locator("[data-action=disconnect]").click()
    expect(card.locator(".ending h3")).to_have_text("alice is disconnected")
    expect(card.locator(".no-default")).to_be_visible()
    connect(page, who="Bob")
    expect(card.locator(".label")).to_have_text(["bob default"])
    expect(read(page, "hand-out", "calendar").locator("h3")).to_have_text("bob’s events at Demo Calendar")


@requirement("CONS-07")
def test_one_is_disconnected_with_the_result_shown_and_the_other_goes_on_working(here: DemoStack, page: Page) -> None:
    connect(page)
    card = card_of(page, "calendar")
    card.locator("[data-action=disconnect]").click()
    expect(card.locator(".ending .all")).to_have_text("Nothing of it is alive at Demo Calendar any more.")
    expect(card.locator(".ending strong")).to_have_text(["✓Refresh token: Revoked", "✓Access token: Revoked"])
    assert here.providers["calendar"].count("revoke") == 1 and here.provider.count("revoke") == 0
    assert all(family.revoked for family in here.providers["calendar"].grants.families)
    expect(card.locator(".none")).to_be_visible()
    for way in ("hand-out", "proxy"):
        expect(read(page, way).locator("li").first).to_have_text("Buy oranges")
    card.locator("[data-action=hand-out]").click()
    expect(card.locator(".problem h3")).to_have_text("Not connected yet")


@requirement("CONS-07")
def test_a_provider_that_does_not_take_the_call_is_said_to_have_failed(here: DemoStack, page: Page) -> None:
    connect(page)
    change(here.providers["calendar"].grants, {"faults": {"at": ["revoke"], "status": 503}})
    card = card_of(page, "calendar")
    card.locator("[data-action=disconnect]").click()
    expect(card.locator(".ending .all")).to_contain_text("Demo Calendar did not take the call.")
    expect(card.locator(".ending li").first).to_contain_text("The broker tries again automatically")


@requirement("CONS-06")
def test_a_no_to_a_link_ends_in_the_app_and_tells_the_provider_nothing(here: DemoStack, page: Page) -> None:
    card = card_of(page, "calendar")
    with page.context.expect_page() as opened:
        card.locator("[data-action=connect]").click()
    decide(opened.value, CANCEL)
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("You said no")
    expect(card.locator(".problem h3")).to_have_text("You said no")
    assert here.providers["calendar"].count("authorize") == 0
    connect(page)


def test_a_card_works_by_the_keyboard_alone(here: DemoStack, page: Page) -> None:
    connect(page)
    connect(page, who="Bob")
    card = card_of(page, "calendar")
    card.locator("input:checked").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(card.locator(".answer h3")).to_have_text("alice’s events at Demo Calendar")
    expect(card.locator("[data-action=hand-out]")).to_be_focused()
    page.keyboard.press("Tab")
    expect(card.locator("[data-action=proxy]")).to_be_focused()


@pytest.mark.parametrize("width", [360, 1280])
def test_cards_fit_their_screen_whatever_they_show(here: DemoStack, open_page: OpenPage, width: int) -> None:
    page = open_page(here.app.url, viewport={"width": width, "height": 800})
    sign_in(page)
    card = card_of(page, "calendar")
    card.locator("[data-action=proxy]:enabled").click()
    expect(card.locator(".problem")).to_be_visible()
    fits(page, width)
    connect(page)
    read(page, "hand-out", "calendar")
    pull(page, "expire")
    fits(page, width)
    card.locator("[data-action=disconnect]").click()
    expect(card.locator(".ending")).to_be_visible()
    fits(page, width)
