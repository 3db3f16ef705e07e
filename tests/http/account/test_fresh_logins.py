"""A fresh login that was requested is a fresh login that is proven, whatever the user makes of the provider's URL."""

from typing import Any

import jwt
import pytest

from chalicelib.providers.catalog import load_catalog
from tests.kit.http.account_page import PATH, age_session, enter, look, press, read_heading
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.sign_in_scene import subjects, with_query
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import start_session
from tests.kit.requirement import requirement

TAKEN_OUT: dict[str, str | None] = {"prompt": None, "max_age": None}
STALE = "We couldn’t confirm a fresh sign-in"


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The provider's ID tokens say from now on that the login was so many seconds ago; None: they say nothing."""
    honest = jwt.encode

    def apply(stack: Stack, age: int | None) -> None:
        def aged(claims: dict[str, Any], *rest: Any, **more: Any) -> str:
            told = {name: value for name, value in claims.items() if name != "auth_time"}
            if "auth_time" in claims and age is not None:
                told["auth_time"] = stack.clock.now() - age
            return honest(told, *rest, **more)

        monkeypatch.setattr("local.fake.id_token.jwt.encode", aged)

    return apply


@requirement("SESS-03", "AUTHZ-14")
@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "10"}], ids=str)
@pytest.mark.parametrize(("age", "error"), [(0, None), (3600, "login_required"), (None, "login_required")])
def test_an_app_that_wants_a_fresh_login_gets_one_or_login_required(
    stack: Stack, tell: Any, asked: dict[str, str], age: int | None, error: str | None
) -> None:
    tell(stack, age)
    answered = stack.sign_in(stack.client()[0], **asked).answer.answered
    assert (answered.get("error"), "code" in answered) == (error, error is None)


@requirement("SESS-03", "AUTHZ-14")
def test_a_login_after_the_decision_is_fresh_however_long_the_rest_takes(stack: Stack, tell: Any) -> None:
    sign_in = stack.to_callback(stack.client()[0], prompt="login")
    stack.clock.advance(500)
    tell(stack, 480)
    assert "code" in sign_in.browser.get(sign_in.callback).answered


@requirement("SESS-03")
@pytest.mark.parametrize("prompt", ["login", "login select_account"])
def test_max_age_goes_to_the_provider_beside_a_prompt_for_a_login(stack: Stack, prompt: str) -> None:
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(stack.client()[0], prompt=prompt, max_age="300"), browser)
    left = stack.decide(browser, page, provider="demo")
    assert left.answered.items() >= {"prompt": prompt, "max_age": "0"}.items()


@requirement("SESS-03")
def test_a_login_whose_age_nobody_requested_needs_no_age(stack: Stack, tell: Any) -> None:
    tell(stack, None)
    assert "code" in stack.sign_in(stack.client()[0], prompt="select_account").answer.answered


@requirement("SESS-03")
def test_every_file_that_promises_an_age_passes_on_what_asks_for_it() -> None:
    catalog = load_catalog()
    promising = [one for name in catalog.ids if (one := catalog.get(name)) and one.identity.auth_time]
    assert promising
    for one in promising:
        assert {"prompt", "max_age"} <= set(one.authorization.passes), one.provider_id


def again(stack: Stack, browser: Browser) -> Answer:
    """ "Sign in again" of a user who is signed in, with a provider's URL that asks for nothing any more."""
    left = browser.post(PATH, [("act", "sign_in demo")])
    assert left.answered.items() >= {"prompt": "login", "max_age": "0"}.items()
    return browser.get(stack.provider.sign_in(with_query(left.location, **TAKEN_OUT)))


@requirement("SESS-03", "ACC-06", "ACC-12")
@pytest.mark.parametrize("age", [3600, None])
def test_an_old_login_at_the_provider_opens_nothing_that_cannot_be_undone(
    stack: Stack, tell: Any, age: int | None
) -> None:
    """Somebody at a browser that was left open."""
    browser = start_session(stack).sign_in.browser
    age_session(stack, browser, 3600)
    tell(stack, age)
    answer = again(stack, browser)
    assert (answer.status, read_heading(answer.body)) == (403, STALE)
    page = look(browser)
    for act in (
        "link demo",
        "unlink x",
        "unlink_sure x",
        "erase",
        "erase_for_good",
        "end_all",
        "end_all_sure",
        "download",
    ):
        assert read_heading(press(browser, page, act).body) == "Sign in again", act


@requirement("SESS-03", "ACC-06")
@pytest.mark.parametrize("age", [3600, None])
def test_signing_out_and_in_again_by_an_old_login_opens_no_more(stack: Stack, tell: Any, age: int | None) -> None:
    start_session(stack)
    tell(stack, age)
    browser = enter(stack)
    assert read_heading(press(browser, look(browser), "erase").body) == "Sign in again"
    tell(stack, 0)
    assert again(stack, browser).status == 303
    assert read_heading(press(browser, look(browser), "erase").body) != "Sign in again"


@requirement("SESS-03", "ACC-12")
@pytest.mark.parametrize("age", [3600, None])
def test_a_login_is_added_only_after_a_fresh_login_with_it(stack: Stack, tell: Any, age: int | None) -> None:
    browser = start_session(stack).sign_in.browser
    left = press(browser, look(browser), "link demo")
    assert left.answered.items() >= {"prompt": "login", "max_age": "0"}.items()
    tell(stack, age)
    before = subjects(stack)
    answer = browser.get(stack.provider.sign_in(with_query(left.location, **TAKEN_OUT), "bob"))
    assert (answer.status, read_heading(answer.body), subjects(stack)) == (403, STALE, before)
