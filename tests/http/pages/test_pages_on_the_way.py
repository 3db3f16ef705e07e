"""Every page of a sign-in: never framed, no script, nothing from elsewhere; no secret is logged on the way."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from chalicelib.records.item_keys import grant_item_key
from tests.kit.http.browser import Answer, read_page
from tests.kit.http.sign_in_scene import change, grants, with_query
from tests.kit.http.stack import APP, SCOPE, Stack
from tests.kit.requirement import requirement

CANARY = "CANARY-8f3a61d2c07b-CANARY"


def every_page(stack: Stack) -> Iterator[tuple[str, Answer, bool]]:
    """Name, page, and whether it has a form."""
    client, _ = stack.client(scopes=frozenset((SCOPE + " demo:notes:write").split()))
    browser = stack.browser()
    parameters = stack.authorize_parameters(client)
    choice = stack.authorize(parameters, browser)
    yield "choice", choice, True
    yield "unknown client", stack.authorize({**parameters, "client_id": "0" * 32}), False
    yield "unknown redirect", stack.authorize({**parameters, "redirect_uri": "https://attacker.example/"}), False
    yield "cancelled", stack.decide(browser, choice, "deny"), False
    yield "foreign form", stack.decide(stack.browser(), choice), False
    leaving = stack.decide(browser, choice, provider="demo")
    yield "leaving", leaving, False
    callback = stack.provider.sign_in(leaving.location)
    yield "without cookie", stack.get(callback.removeprefix(stack.settings.issuer)), False
    yield "wrong issuer", browser.get(with_query(callback, iss="https://attacker.example")), False
    stack.provider.faults.lose_answer = True
    yield "provider fails", browser.get(callback), False
    (grant,) = grants(stack)
    change(stack, grant_item_key(grant.grant_id), status="exchanging")
    yield "waiting", browser.get(callback), False
    stack.provider.faults.reset()
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    partial = stack.sign_in(client, scope=SCOPE + " demo:notes:write").answer
    yield "partial", partial, True


@requirement("GEN-23", "GEN-06")
def test_no_page_can_be_framed_run_script_or_load_from_elsewhere(stack: Stack) -> None:
    names = set()
    for name, page, has_form in every_page(stack):
        names.add(name)
        policy = page.header("content-security-policy") or ""
        assert page.header("content-type") == "text/html; charset=utf-8", name
        assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy, name
        assert "script-src" not in policy and "unsafe" not in policy and "base-uri 'none'" in policy, name
        assert ("form-action 'self'" if has_form else "form-action 'none'") in policy, name
        assert page.header("x-frame-options") == "DENY", name
        assert page.header("x-content-type-options") == "nosniff", name
        assert page.header("referrer-policy") == ("same-origin" if has_form else "no-referrer"), name
        assert page.header("cache-control") == "no-store", name
        assert page.header("access-control-allow-origin") is None, name
        assert not re.search(r"<(script|iframe|img|link|object|embed)\b|\son\w+\s*=|javascript:", page.body), name
        assert ("<form" in page.body) is has_form, name
    assert len(names) == 11


@requirement("GEN-22")
def test_redirects_are_303_and_a_forms_answer_that_leaves_is_a_page(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    parameters = stack.authorize_parameters(client)
    asked = browser.post("/authorize", parameters)
    page = browser.get(asked.location)
    cancelled, left = stack.decide(browser, page, "deny"), stack.decide(browser, page, provider="demo")
    done = browser.get(stack.provider.sign_in(left.location))
    silent = stack.authorize({**parameters, "prompt": "none"}, browser)
    wrong = stack.authorize({**parameters, "scope": "unknown"}, browser)
    assert [answer.status for answer in (asked, done, silent, wrong)] == [303] * 4
    for answer in (cancelled, left):
        assert answer.status == 200 and answer.header("location") is None
        assert answer.location.startswith((APP, stack.provider.url))
        assert f'href="{urlsplit(answer.location).scheme}' in answer.body
    for answer in (asked, done, silent, wrong):
        assert answer.header("cache-control") == "no-store"
        assert answer.header("referrer-policy") == "no-referrer"


@requirement("CONS-10")
@pytest.mark.parametrize(("registered_by", "shown"), [("operator", True), ("self", False), ("document", False)])
def test_what_an_app_is_for_is_the_operators_word(stack: Stack, registered_by: str, shown: bool) -> None:
    client, _ = stack.client(registered_by=registered_by, purpose="Sorts your notes.")
    page = stack.authorize(stack.authorize_parameters(client))
    assert page.status == 200 and ("Sorts your notes." in page.body) is shown


@requirement("CONS-03")
def test_the_page_says_who_asks_for_what_where_it_goes_and_for_how_long(stack: Stack) -> None:
    client, _ = stack.client(
        client_name='<img src=x onerror=alert(1)>"App',
        client_uri="https://home.example/",
        registered_by="self",
        application_type="native",
        redirect_uris=("http://127.0.0.1/back",),
    )
    page = stack.authorize(stack.authorize_parameters(client, redirect_uri="http://127.0.0.1:5050/back"))
    assert "<img" not in page.body and "&lt;img src=x onerror=alert(1)&gt;&#34;App" in page.body
    for shown in ("127.0.0.1:5050", "Not verified", "read your notes", "30 days, or until you remove it", "Demo Notes"):
        assert shown in page.body, shown
    assert "It runs on this device" in page.body and "home.example" not in page.body


@requirement("CONS-03")
@pytest.mark.parametrize("scope", ["openid", "openid email demo:notes:read"])
def test_only_what_is_asked_is_shown(stack: Stack, scope: str) -> None:
    client, _ = stack.client()
    page = stack.authorize(stack.authorize_parameters(client, scope=scope))
    assert ("read your notes" in page.body) is ("notes" in scope)
    assert "10 minutes" in page.body and ">Verified<" in page.body


@requirement("GEN-18", "GEN-07")
def test_a_canary_in_every_field_of_the_way_reaches_no_log_and_no_page(stack: Stack) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    good = stack.authorize_parameters(client)
    page = stack.authorize(good, browser)
    left = stack.decide(browser, page, provider="demo")
    callback = stack.provider.sign_in(left.location)
    sealed = dict(read_page(page.body).fields)
    hidden = {"state", "nonce", "login_hint"}  # what may travel on, and comes back to the app alone
    for name in [*good, "resource", "request", "request_uri", "prompt", "max_age", "provider", "login_hint", "code"]:
        answer = stack.authorize({**good, name: CANARY}, browser)
        assert CANARY not in answer.body and (name in hidden or CANARY not in answer.location), name
    for name in ("request", "provider", "decision", "scope", "x"):
        answer = browser.post("/signin", {**sealed, "provider": "demo", "decision": "allow", name: CANARY})
        assert CANARY not in answer.body, name
    for name in ("state", "iss", "error", "error_description", "x", "code"):
        answer = browser.get(with_query(callback, **{name: CANARY}))
        assert CANARY not in answer.body + answer.location, name
    for header in ("Cookie", "Authorization", "Origin", "Referer", "User-Agent", "DPoP", "X-Request-Id"):
        browser.send("GET", "/authorize", headers={header: f"tb_browser={CANARY}"})
        browser.send("GET", "/callback/demo?state=x", headers={header: f"tb_session={CANARY}"})
    stack.get(f"/callback/{CANARY}?state=x")
    assert stack.log.getvalue() and CANARY not in stack.log.getvalue()
