"""What a person does on each page."""

from playwright.sync_api import Locator, Page, expect

ALLOW, CANCEL = "Continue with", "Cancel"


def notes_at(provider: str) -> dict[str, str]:
    """What the demo app has to know of the demo provider."""
    return {"id": "demo", "name": "Demo Notes", "api": f"{provider}/api", "things": "notes", "scope": "notes:read"}


def begin(page: Page) -> None:
    """From the demo app to our page."""
    page.locator("#sign-in:enabled").click()
    expect(page.get_by_role("button", name=ALLOW)).to_be_visible()


def decide(page: Page, button: str = ALLOW) -> None:
    """Press a button on our page; Allow arms itself half a second after the page shows, which the click waits for."""
    page.get_by_role("button", name=button).click()


def sign_in_at_provider(page: Page, who: str = "Alice") -> None:
    """On the demo provider's page."""
    page.get_by_role("button", name=f"Sign in as {who}").click()


def read(page: Page, way: str = "hand-out", provider: str = "demo") -> Locator:
    """Press a button of a provider's card; what it shows then.

    way   hand-out or proxy
    """
    card = card_of(page, provider)
    card.locator(f"[data-action={way}]:enabled").click()
    expect(card.locator(".answer li").first).to_be_visible()
    expect(card.locator(f"[data-action={way}]")).to_be_enabled()
    return card.locator(".answer")


def card_of(page: Page, provider: str) -> Locator:
    """The card of a provider in the demo app."""
    return page.locator(f"#card-{provider}")


def sign_in(page: Page, who: str = "Alice") -> None:
    """The whole way and back to the app."""
    begin(page)
    decide(page)
    sign_in_at_provider(page, who)
    expect(page.locator("#account-name")).to_contain_text(who)


def fits(page: Page, width: int) -> None:
    """Nothing has to be scrolled sideways."""
    expect(page.get_by_role("heading", level=1).first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
