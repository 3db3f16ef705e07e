"""An answer posted to the app in Chromium, which enforces the page's policy: without script, to that origin alone."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

from playwright.sync_api import Browser, Page, expect

from tests.kit.browser_steps import decide, sign_in_at_provider
from tests.kit.http.stack import APP, Stack
from tests.kit.requirement import requirement


@requirement("AUTHZ-07", "GEN-23")
def test_the_button_takes_the_code_to_the_app_and_to_nobody_else(
    browser: Browser, open_page: Callable[..., Page], stack: Stack
) -> None:
    client, _ = stack.client()
    parameters = stack.authorize_parameters(client, response_mode="form_post", state='a "b"&<c>')
    page = open_page(f"{stack.settings.issuer}/authorize?{urlencode(parameters)}", java_script_enabled=False)
    heard: list[tuple[str, str]] = []
    refused: list[str] = []
    page.context.route(
        "https://app.example/**",
        lambda route: (
            heard.append((route.request.method, route.request.post_data or "")),
            route.fulfill(body="the app"),
        ),
    )
    page.context.route("https://other.example/**", lambda route: (refused.append(route.request.url), route.abort()))
    decide(page)
    sign_in_at_provider(page)
    button = page.get_by_role("button", name="Continue to app.example")
    expect(button).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    other = page.context.new_page()
    stopped: list[str] = []
    other.on("console", lambda message: stopped.append(message.text))
    other.goto(page.url)
    other.evaluate("document.querySelector('form').action = 'https://other.example/'")
    other.get_by_role("button", name="Continue to app.example").click(no_wait_after=True)
    while not stopped:
        other.wait_for_timeout(50)
    assert "form-action" in stopped[0]
    other.close()
    button.click()
    page.wait_for_url(f"{APP}**")
    assert refused == [] and [method for method, _ in heard] == ["POST"]
    posted = {name: values[0] for name, values in parse_qs(heard[0][1]).items()}
    assert posted.keys() == {"code", "state", "iss"} and posted["state"] == 'a "b"&<c>'
    fields = {"grant_type": "authorization_code", "redirect_uri": APP, "code_verifier": "v" * 43}
    assert stack.token(client, code=posted["code"], **fields).status == 200
