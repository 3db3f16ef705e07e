"""In which language a page speaks: as the app wishes for the whole trip, else as the browser does, else English."""

from urllib.parse import urlencode

import pytest

from chalicelib.pages.language import LANGUAGES
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.pushing import follow, reference
from tests.kit.http.sign_in_scene import with_query
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

GERMAN, SPANISH, ARABIC = '<html lang="de" dir="ltr">', '<html lang="es" dir="ltr">', '<html lang="ar" dir="rtl">'


def language_cookies(browser: Browser) -> list[str]:
    return [one for one in browser.set_cookies if one.startswith("tb_language=")]


@requirement("PAGE-03")
def test_the_wish_of_the_app_holds_for_every_page_of_the_trip(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    spoken = {"Accept-Language": "ja"}
    asked = urlencode(stack.authorize_parameters(client, ui_locales="fr de-CH es"))
    choice = browser.get("/authorize?" + asked, **spoken)
    assert GERMAN in choice.body and "Demo Notes" in choice.body and "Weiter mit" in choice.body
    left = stack.decide(browser, choice, provider="demo")
    assert GERMAN in left.body
    callback = stack.provider.sign_in(left.location)
    wrong = browser.get(with_query(callback, iss="https://attacker.example"), **spoken)
    assert wrong.status >= 400 and GERMAN in wrong.body
    assert [one.partition("; HttpOnly")[0] for one in language_cookies(browser)] == [
        "tb_language=de; Path=/; Max-Age=600"
    ]


@requirement("PAGE-03")
def test_the_wish_of_a_pushed_request_holds_too(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    browser = stack.browser()
    page = follow(browser, client, reference(stack, client, secret, ui_locales="ar"))
    assert ARABIC in page.body and language_cookies(browser)
    assert ARABIC in stack.decide(browser, page, "deny").body


@requirement("PAGE-03")
@pytest.mark.parametrize("path", ["/device", "/logout", "/authorize"])
def test_without_a_wish_the_browser_is_spoken_to_in_its_own_language_and_nothing_is_kept(
    stack: Stack, path: str
) -> None:
    browser = stack.browser()
    assert SPANISH in browser.get(path, **{"Accept-Language": "fr, es-MX;q=0.8, en;q=0.7"}).body
    assert '<html lang="en" dir="ltr">' in browser.get(path, **{"Accept-Language": "fr"}).body
    assert not language_cookies(browser)
    assert GERMAN in browser.get(path + "?ui_locales=de").body
    assert GERMAN in browser.get(path, **{"Accept-Language": "es"}).body


@requirement("PAGE-03")
@pytest.mark.parametrize("kept", ["xx", "<b>", "de; x", "../messages/de", "e" * 3000])
def test_a_cookie_that_names_no_language_of_ours_says_nothing(stack: Stack, kept: str) -> None:
    answer: Answer = stack.browser().get("/device", **{"Cookie": f"tb_language={kept}", "Accept-Language": "es"})
    assert answer.status == 200 and (SPANISH in answer.body or kept == "de; x")


@requirement("PAGE-03")
def test_an_answer_that_is_no_page_keeps_no_language(stack: Stack) -> None:
    answer = stack.browser().get("/jwks?ui_locales=de")
    assert answer.status == 200 and not answer.headers_named("set-cookie")


@requirement("PAGE-03", "META-02")
def test_the_metadata_names_the_languages(stack: Stack) -> None:
    known = stack.get("/.well-known/openid-configuration").json
    assert known["ui_locales_supported"] == list(LANGUAGES)
    for language in known["ui_locales_supported"]:
        assert f'<html lang="{language}"' in stack.get(f"/device?ui_locales={language}").body
