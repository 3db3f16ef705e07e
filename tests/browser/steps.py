"""What a person does on each page."""

from playwright.sync_api import Page, expect

ALLOW, CANCEL = "Allow", "Cancel"


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


def sign_in(page: Page, who: str = "Alice") -> None:
    """The whole way and back to the app."""
    begin(page)
    decide(page)
    sign_in_at_provider(page, who)
    expect(page.locator("#account-name")).to_contain_text(who)
