"""`dev.py demo`, clicked through in Chromium."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Page, Response, expect

from local.demo.app_server import start
from tests.kit.browser_steps import CANCEL, begin, decide, fits, notes_at, read, sign_in, sign_in_at_provider
from tests.kit.http.stack import challenge
from tests.kit.requirement import requirement

OpenPage = Callable[..., Page]
Demo = dict[str, Any]
VERIFIER = "b" * 43


@requirement("CONS-05", "CB-02", "REF-02", "REV-03")
def test_alice_signs_in_calls_the_api_refreshes_and_revokes(demo: Demo, open_page: OpenPage) -> None:
    page = open_page(demo["app"])
    failures = _watch(page)
    sign_in(page)
    expect(page.locator("#id-claims")).to_contain_text(demo["issuer"])
    expect(page.locator("#profile")).to_contain_text("Alice")
    assert urlsplit(page.url).query == "", "the code stays in the address bar"
    read(page)
    before = page.locator("#tokens").inner_text()
    page.locator("#refresh:enabled").click()
    expect(page.locator("#status")).to_contain_text("New tokens")
    expect(page.locator("#tokens")).not_to_have_text(before, use_inner_text=True)
    read(page, "proxy")
    expect(page.locator("#status")).to_contain_text("Demo Notes has answered")
    assert failures == []
    page.locator("#revoke:enabled").click()
    expect(page.locator("#status")).to_contain_text("tried and refused")
    expect(page.locator("#welcome")).to_be_visible()
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]


@requirement("CONS-06")
def test_cancel_on_our_page_ends_in_the_app_and_tells_the_provider_nothing(demo: Demo, open_page: OpenPage) -> None:
    page = open_page(demo["app"])
    visited: list[str] = []
    page.on("request", lambda request: visited.append(request.url))
    begin(page)
    decide(page, CANCEL)
    expect(page.locator("#problem h2")).to_have_text("You said no")
    assert not [url for url in visited if url.startswith(demo["provider"])]
    sign_in(page, "Bob")  # and one may begin again at once


@requirement("CB-10")
def test_a_refusal_at_the_provider_ends_in_the_app(demo: Demo, open_page: OpenPage) -> None:
    page = open_page(demo["app"])
    begin(page)
    decide(page)
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#problem .detail")).to_contain_text("access_denied")


@requirement("CB-01")
def test_two_tabs_of_one_browser_do_not_disturb_each_other(demo: Demo, open_page: OpenPage) -> None:
    one = open_page(demo["app"])
    two = one.context.new_page()
    two.goto(demo["app"])
    begin(one)
    begin(two)
    decide(one)
    decide(two)
    sign_in_at_provider(two, "Bob")
    expect(two.locator("#account-name")).to_contain_text("Bob")
    sign_in_at_provider(one, "Alice")
    expect(one.locator("#account-name")).to_contain_text("Alice")
    for page in (one, two):
        read(page)


@requirement("CB-02")
def test_a_second_visit_to_our_callback_gives_the_app_nothing_new(demo: Demo, open_page: OpenPage) -> None:
    page = open_page(demo["app"])
    called: list[str] = []
    page.on("request", lambda request: called.append(request.url) if "/callback/demo" in request.url else None)
    sign_in(page)
    elsewhere = open_page(called[0])
    expect(elsewhere.get_by_role("heading", level=1)).to_have_text("We couldn’t match this sign-in to your browser")
    page.goto(called[0])
    expect(page.get_by_role("heading", level=1)).to_have_text("This sign-in has expired")


@requirement("GEN-23", "GEN-22", "CONS-04")
def test_our_pages_work_without_javascript(demo: Demo, open_page: OpenPage) -> None:
    config = requests.get(f"{demo['app']}/config.json", timeout=10).json()
    redirect_uri = f"{demo['app']}/callback"
    page = open_page(_authorize_url(demo, config["client_id"], redirect_uri), java_script_enabled=False)
    decide(page)
    sign_in_at_provider(page)
    page.wait_for_url(f"{redirect_uri}?**")
    answer = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert (answer["state"], answer["iss"]) == ("s" * 20, demo["issuer"])
    assert _redeem(demo, config["client_id"], redirect_uri, answer["code"]).status_code == 200


@requirement("REG-01", "CONS-03", "AUTHZ-15")
def test_an_app_that_registered_itself_is_named_as_not_verified(demo: Demo, open_page: OpenPage) -> None:
    app = start(0, {"issuer": demo["issuer"], "providers": [notes_at(demo["provider"])]}, "localhost")
    try:
        registered = _register(demo, f"{app.url}/callback")
        assert "client_secret" not in registered
        app.config["client_id"] = registered["client_id"]
        page = open_page(app.url)
        begin(page)
        expect(page.get_by_text("Not verified")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_contain_text("An unverified app")
        expect(page.get_by_text("It calls itself “Newcomer”")).to_be_visible()
        decide(page)
        sign_in_at_provider(page)
        expect(page.locator("#account-name")).to_contain_text("Alice")
        read(page)
    finally:
        app.stop()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_its_screen(demo: Demo, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(demo["app"], viewport={"width": width, "height": 800}, color_scheme=scheme)
    begin(page)
    fits(page, width)
    decide(page)
    expect(page.get_by_role("button", name="Sign in as Alice")).to_be_visible()
    fits(page, width)
    sign_in_at_provider(page)
    read(page)
    fits(page, width)
    page.goto(f"{demo['issuer']}/callback/demo?state=unknown&code=unknown")
    fits(page, width)


def _watch(page: Page) -> list[str]:
    """What goes wrong on a page: refused requests, errors of scripts, breaches of a policy."""
    failures: list[str] = []

    def see(response: Response) -> None:
        if response.status >= 400:
            failures.append(f"{response.status} {response.url}")

    page.on("response", see)
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    return failures


def _authorize_url(demo: Demo, client_id: str, redirect_uri: str) -> str:
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid profile demo:notes:read",
        "provider": "demo",
        "state": "s" * 20,
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    return f"{demo['issuer']}/authorize?{urlencode(parameters)}"


def _redeem(demo: Demo, client_id: str, redirect_uri: str, code: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code": code,
        "code_verifier": VERIFIER,
    }
    return requests.post(f"{demo['issuer']}/token", data=form, timeout=10)


def _register(demo: Demo, redirect_uri: str) -> dict[str, Any]:
    document = {
        "client_name": "Newcomer",
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": "none",
        "grant_types": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "scope": "openid profile email offline_access demo:notes:read",
    }
    answer = requests.post(f"{demo['issuer']}/register", json=document, timeout=10)
    assert answer.status_code == 201, answer.text
    registered: dict[str, Any] = answer.json()
    return registered
