"""The person between a client and a provider: follows an authorization URL through our page to the app's callback."""

from collections.abc import Callable

from tests.kit.http.stack import Stack


def walk(
    stack: Stack, authorization_url: str, at_provider: Callable[[str], str], provider_id: str = "demo", **ticked: str
) -> str:
    """Allow on our page, sign in at the provider: the URL at which the app is called back.

    at_provider   the provider's authorization URL -> where the provider sends the browser
    """
    browser = stack.browser()
    page = browser.get(authorization_url)
    assert page.status == 200, page.body[-500:]
    left = stack.decide(browser, page, provider=provider_id, **ticked)
    assert left.status == 200, left.body[-500:]
    back = browser.get(at_provider(left.location))
    assert back.status == 303, (back.status, back.body[-800:], stack.log.getvalue()[-800:])
    return back.location
