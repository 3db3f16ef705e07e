"""GET and POST /logout (OpenID Connect RP-Initiated Logout 1.0): who is signed out, who is asked, who is sent where."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.endpoints.browser.sealed_forms import seal_sign_out_form, seal_sign_out_request
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key, subject_item_key
from chalicelib.records.sign_out import SignOutForm, SignOutRequest
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.browser import DEVELOPER, FORM, Answer, Browser, read_page, request
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON
from tests.kit.http.tokens import Session, change, events, read, read_claims, sign, start_session
from tests.kit.logout.browser_logout import BYE, is_signed_in, log_out, press
from tests.kit.requirement import requirement

OTHER = "https://attacker.example/"


def sign_in(stack: Stack, **fields: Any) -> Session:
    """A user of an app whose users may return to BYE."""
    return start_session(stack, **{"post_logout_redirect_uris": (BYE,), **fields})


def self_registered(stack: Stack, session: Session) -> None:
    change(stack, client_item_key(session.client.client_id), registered_by="self")
    stack.restart()


def title(answer: Answer) -> str:
    return answer.body.partition("<h1>")[2].partition("</h1>")[0]


def register(stack: Stack, document: dict[str, Any]) -> Answer:
    return request(stack.netloc, "POST", "/register", body=json.dumps(document), headers={"Content-Type": JSON})


@requirement("OUT-01")
def test_an_id_token_of_the_user_signs_out_and_leads_back(stack: Stack) -> None:
    session = sign_in(stack)
    hint = session.tokens["id_token"]
    assert is_signed_in(stack, session)
    with only_written(stack, "SEEN"):
        answer = log_out(session.sign_in.browser, id_token_hint=hint, post_logout_redirect_uri=BYE, state="s&1")
    assert (answer.status, answer.location) == (303, BYE + "&state=s%261")
    assert "tb_session" not in session.sign_in.browser.cookies and not is_signed_in(stack, session)
    assert answer.headers_named("set-cookie") == [
        f"{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax" for name in ("tb_session", "tb_provider")
    ]


@requirement("OUT-02")
@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
def test_an_id_token_of_another_session_of_the_same_user_signs_nobody_out_by_itself(
    stack: Stack, subject_type: str
) -> None:
    other = sign_in(stack, subject_type=subject_type)
    secret = other.sign_in.secret
    here = start_session(stack, client=(other.client, secret))
    answer = log_out(here.sign_in.browser, id_token_hint=other.tokens["id_token"], post_logout_redirect_uri=BYE)
    assert (answer.status, title(answer)) == (200, "Sign out?") and is_signed_in(stack, here)
    assert press(here.sign_in.browser, answer).location == BYE
    there = log_out(other.sign_in.browser, id_token_hint=other.tokens["id_token"], post_logout_redirect_uri=BYE)
    assert (there.status, there.location) == (303, BYE)


@requirement("OUT-02")
def test_an_id_token_that_names_no_session_signs_nobody_out_by_itself(stack: Stack) -> None:
    session = sign_in(stack)
    claims = {name: value for name, value in read_claims(session.tokens["id_token"]).items() if name != "sid"}
    answer = log_out(session.sign_in.browser, id_token_hint=sign(stack, claims, "JWT"))
    assert (answer.status, title(answer)) == (200, "Sign out?") and is_signed_in(stack, session)


@requirement("OUT-01")
def test_without_a_place_to_return_to_a_page_says_so(stack: Stack) -> None:
    session = sign_in(stack, client_uri="https://app.example/")
    answer = log_out(session.sign_in.browser, id_token_hint=session.tokens["id_token"], ui_locales="de fr")
    assert (answer.status, title(answer)) == (200, "Sie sind abgemeldet")
    assert 'href="https://app.example/"' in answer.body and not is_signed_in(stack, session)


@requirement("OUT-01")
def test_an_id_token_that_is_over_still_says_who_is_meant(stack: Stack) -> None:
    session = sign_in(stack)
    stack.clock.advance(stack.settings.id_token_seconds + 3600)
    answer = log_out(session.sign_in.browser, id_token_hint=session.tokens["id_token"], post_logout_redirect_uri=BYE)
    assert (answer.status, answer.location) == (303, BYE)


@requirement("OUT-01")
def test_what_apps_hold_stays(stack: Stack) -> None:
    session = sign_in(stack)
    log_out(session.sign_in.browser, id_token_hint=session.tokens["id_token"])
    assert session.userinfo().status == 200 and session.refresh().status == 200


def no_hint(stack: Stack, session: Session) -> dict[str, str]:
    return {"client_id": session.client.client_id}


def of_another_user(stack: Stack, session: Session) -> dict[str, str]:
    bob = start_session(stack, who="bob", client=(session.client, None))
    return {"id_token_hint": bob.tokens["id_token"]}


def forged(stack: Stack, session: Session) -> dict[str, str]:
    head, body, _ = session.tokens["id_token"].split(".")
    other = start_session(stack, who="bob", client=(session.client, None)).tokens["id_token"].split(".")
    return {"id_token_hint": f"{head}.{body}.{other[2]}", "client_id": session.client.client_id}


def an_access_token(stack: Stack, session: Session) -> dict[str, str]:
    return {"id_token_hint": session.access, "client_id": session.client.client_id}


def of_the_future(stack: Stack, session: Session) -> dict[str, str]:
    claims = {**read_claims(session.tokens["id_token"]), "iat": stack.clock.now() + 3600}
    return {"id_token_hint": sign(stack, claims, "JWT"), "client_id": session.client.client_id}


def of_another_issuer(stack: Stack, session: Session) -> dict[str, str]:
    claims = {**read_claims(session.tokens["id_token"]), "iss": "https://other.example"}
    return {"id_token_hint": sign(stack, claims, "JWT"), "client_id": session.client.client_id}


UNPROVEN = (no_hint, of_another_user, forged, an_access_token, of_the_future, of_another_issuer)


@requirement("OUT-02")
@pytest.mark.parametrize("unproven", UNPROVEN)
def test_without_a_proof_of_who_is_meant_nobody_is_signed_out_before_they_say_so(stack: Stack, unproven: Any) -> None:
    session = sign_in(stack)
    browser, asked = session.sign_in.browser, unproven(stack, session)
    with only_written(stack):
        page = log_out(browser, post_logout_redirect_uri=BYE, state="s", **asked)
    assert (page.status, title(page)) == (200, "Sign out?") and is_signed_in(stack, session)
    assert "Test App</bdi> asks to sign you out" in page.body
    left = press(browser, page)
    assert (left.status, left.location) == (200, BYE + "&state=s")
    assert not is_signed_in(stack, session)


@requirement("OUT-02")
def test_whoever_just_comes_can_sign_out_and_stay(stack: Stack) -> None:
    session = sign_in(stack)
    browser = session.sign_in.browser
    stay = press(browser, log_out(browser), "stay")
    assert title(stay) == "You’re still signed in" and is_signed_in(stack, session)
    assert title(press(browser, log_out(browser))) == "You’re signed out"
    assert not is_signed_in(stack, session)
    assert title(log_out(browser)) == "You’re signed out", "and there is nothing left to ask"


@requirement("OUT-02")
def test_the_page_names_the_user_whose_session_ends_and_works_without_the_table(stack: Stack) -> None:
    session = sign_in(stack)
    browser = session.sign_in.browser
    named = " ".join(read_page(log_out(browser).body).text)
    assert "Alice Almeida" in named and "Demo Notes" in named
    counted = FaultyTransport(stack.dynamodb)
    stack.broker = stack.build(dynamodb=counted)
    log_out(browser)
    reads = counted.calls.count("BatchGetItem")
    away = Fault(mode="B", operation="BatchGetItem", first=reads, times=10**6)
    stack.broker = stack.build(dynamodb=FaultyTransport(stack.dynamodb, away))
    assert "Alice Almeida" in log_out(browser).body
    page = log_out(browser)
    unnamed = " ".join(read_page(page.body).text)
    assert page.status == 200 and "Alice" not in unnamed and "Signed in with" in unnamed
    stack.restart()
    assert title(press(browser, page)) == "You’re signed out"


@requirement("OUT-02")
def test_of_a_session_that_has_ended_the_page_names_nobody(stack: Stack) -> None:
    session = sign_in(stack)
    sub = read_claims(session.tokens["id_token"])["sub"]
    change(stack, subject_item_key(sub), session_salt=b"another salt of sixteen bytes...")
    page = log_out(session.sign_in.browser)
    assert title(page) == "Sign out?" and "Alice" not in page.body


@requirement("OUT-02", "GEN-20")
def test_the_page_answers_for_one_browser_alone_and_for_a_while(stack: Stack) -> None:
    session = sign_in(stack)
    browser = session.sign_in.browser
    page = log_out(browser)
    for headers in ({"Origin": "https://attacker.example"}, {"Origin": "null"}):
        assert press(browser, page, **headers).status == 403
    stranger = stack.browser()
    theirs = log_out(start_session(stack, who="bob", client=(session.client, None)).sign_in.browser)
    for form in (read_page(theirs.body).fields, [], [("request", "x")], [*read_page(page.body).fields] * 2):
        assert browser.post("/logout", [*form, ("decision", "sign_out")]).status == 403
    assert press(stranger, page).status == 403
    assert press(browser, page, "maybe").status == 400
    assert is_signed_in(stack, session)
    stack.clock.advance(stack.settings.pending_seconds)
    late = press(browser, page)
    assert (late.status, title(late)) == (403, "This page expired") and is_signed_in(stack, session)


@requirement("OUT-02")
def test_a_form_of_another_kind_signs_nobody_out(stack: Stack) -> None:
    session = sign_in(stack)
    browser = session.sign_in.browser
    page = stack.authorize(stack.authorize_parameters(session.client, prompt="consent"), browser)
    assert browser.post("/logout", [*read_page(page.body).fields, ("decision", "sign_out")]).status == 403
    hashed = browser_hash(browser.cookies["tb_browser"])
    now = stack.clock.now()
    form = SignOutForm(request=SignOutRequest(at=now), browser=hashed, shown_at=now)
    sealed = seal_sign_out_form(stack.broker, form)
    assert browser.post("/signin", [("request", sealed), ("decision", "allow")]).status == 403
    assert is_signed_in(stack, session)


@requirement("OUT-03", "AUTHZ-02")
@pytest.mark.parametrize(
    "place",
    [OTHER, "https://app.example/bye", BYE + "&x=1", BYE.upper(), "https://app.example/callback", "/bye", "//x"],
)
def test_no_browser_is_sent_to_what_is_not_registered(stack: Stack, place: str) -> None:
    session = sign_in(stack)
    for named in ({"id_token_hint": session.tokens["id_token"]}, {"client_id": session.client.client_id}):
        answer = log_out(session.sign_in.browser, post_logout_redirect_uri=place, **named)
        assert (answer.status, answer.header("location")) == (400, None) and place not in answer.body.partition(
            DEVELOPER
        )[0]
    assert is_signed_in(stack, session)


@requirement("OUT-03")
def test_nobody_known_leads_nowhere(stack: Stack) -> None:
    session = sign_in(stack)
    browser = session.sign_in.browser
    for named in ({}, {"client_id": "0" * 32}, {"client_id": "ä"}, {"id_token_hint": "x.y.z"}):
        page = log_out(browser, post_logout_redirect_uri=BYE, **named)
        assert title(page) == "Sign out?" and "app.example" not in page.body
    left = press(browser, page)
    assert (left.status, left.location, title(left)) == (200, "", "You’re signed out")
    assert events(stack, "sign_out_of_nobody_known")


@requirement("OUT-03")
def test_a_hint_for_one_client_does_not_speak_for_another(stack: Stack) -> None:
    session, other = sign_in(stack), sign_in(stack)
    for more in ({}, {"post_logout_redirect_uri": BYE}):
        named = {"id_token_hint": session.tokens["id_token"], "client_id": other.client.client_id, **more}
        assert log_out(session.sign_in.browser, **named).status == 400
    assert is_signed_in(stack, session)


@requirement("OUT-03", "TOK-07")
def test_a_client_that_is_over_gets_nobody_back(stack: Stack) -> None:
    session = sign_in(stack)
    stack.deployment.delete(client_item_key(session.client.client_id))
    stack.restart()
    page = log_out(session.sign_in.browser, id_token_hint=session.tokens["id_token"], post_logout_redirect_uri=BYE)
    assert title(page) == "Sign out?"
    assert press(session.sign_in.browser, page).location == ""


@requirement("OUT-03")
def test_a_return_taken_out_of_the_registration_meanwhile_leads_nowhere(stack: Stack) -> None:
    session = sign_in(stack)
    page = log_out(session.sign_in.browser, client_id=session.client.client_id, post_logout_redirect_uri=BYE)
    change(stack, client_item_key(session.client.client_id), post_logout_redirect_uris=())
    stack.restart()
    assert press(session.sign_in.browser, page).location == ""
    assert not is_signed_in(stack, session)


@requirement("OUT-03")
def test_a_return_registered_just_now_is_known_at_once(stack: Stack) -> None:
    session = start_session(stack)
    change(stack, client_item_key(session.client.client_id), post_logout_redirect_uris=(BYE,))
    answer = log_out(session.sign_in.browser, id_token_hint=session.tokens["id_token"], post_logout_redirect_uri=BYE)
    assert answer.location == BYE


@requirement("OUT-03", "AUTHZ-15")
def test_a_self_registered_client_sends_nobody_anywhere_before_they_press_something(stack: Stack) -> None:
    session = sign_in(stack, post_logout_redirect_uris=(OTHER,))
    self_registered(stack, session)
    asked = {"id_token_hint": session.tokens["id_token"], "post_logout_redirect_uri": OTHER}
    for browser in (stack.browser(), session.sign_in.browser):
        page = log_out(browser, **asked)
        assert (page.status, page.location, title(page)) == (200, "", "You’re signed out")
        assert f'href="{OTHER}"' in page.body, "a link, which the user may follow"
    again = start_session(stack, client=(read(stack, client_item_key(session.client.client_id)), None))
    page = log_out(again.sign_in.browser, client_id=session.client.client_id, post_logout_redirect_uri=OTHER)
    assert "Test App" not in page.body, "its name is not vouched for"
    assert press(again.sign_in.browser, page).location == OTHER


@requirement("OUT-03")
def test_where_nobody_is_signed_in_an_operators_client_gets_its_user_back(stack: Stack) -> None:
    client, _ = stack.client(post_logout_redirect_uris=(BYE,))
    answer = log_out(stack.browser(), client_id=client.client_id, post_logout_redirect_uri=BYE)
    assert (answer.status, answer.location) == (303, BYE)


@requirement("OUT-04", "GEN-05")
def test_a_post_of_the_app_goes_on_without_the_id_token_in_a_url(stack: Stack) -> None:
    session = sign_in(stack)
    hint = session.tokens["id_token"]
    form = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "s"})
    crossing = Browser(stack.netloc)
    first = crossing.send("POST", "/logout", body=form, headers={"Content-Type": FORM, "Origin": "https://app.example"})
    assert first.status == 303 and first.location.startswith("/logout?request=") and hint not in first.location
    assert session.tokens["id_token"].split(".")[1] not in first.location
    second = session.sign_in.browser.get(first.location)
    assert (second.status, second.location) == (303, BYE + "&state=s") and not is_signed_in(stack, session)


@requirement("OUT-04")
def test_what_was_posted_holds_for_a_minute_and_is_ours(stack: Stack) -> None:
    session = sign_in(stack)
    now, browser = stack.clock.now(), session.sign_in.browser
    posted = SignOutRequest(at=now, client_id=session.client.client_id, sub=session.claims["sub"], redirect_uri=OTHER)
    sealed = seal_sign_out_request(stack.broker, posted)
    answer = browser.get("/logout?" + urlencode({"request": sealed}))
    assert answer.location == "", "sealed by us, and still only to what is registered"
    again = sign_in(stack, client=(session.client, None))
    for wrong in (sealed[:-2] + "xx", "x", again.tokens["id_token"]):
        assert again.sign_in.browser.get("/logout?" + urlencode({"request": wrong})).status == 400
    stack.clock.advance(60)
    assert again.sign_in.browser.get("/logout?" + urlencode({"request": sealed})).status == 400
    assert is_signed_in(stack, again)


@requirement("OUT-04", "GEN-01")
def test_what_is_sent_twice_or_as_another_secret_is_refused(stack: Stack) -> None:
    browser = sign_in(stack).sign_in.browser
    for query in ("state=a&state=b", "client_id=a&client_id=a", "id_token=x", "token=x", "state=" + "s" * 2049):
        assert browser.get("/logout?" + query).status == 400, query
    assert browser.post("/logout?state=a", [("state", "b")]).status == 400


@requirement("OUT-01", "META-02")
def test_the_metadata_names_it_and_no_other_origin_may_read_it(stack: Stack) -> None:
    known = stack.get("/.well-known/openid-configuration").json
    assert known["end_session_endpoint"] == stack.settings.issuer + "/logout"
    answer = log_out(stack.browser())
    assert answer.header("access-control-allow-origin") is None
    assert answer.header("cache-control") == "no-store" and answer.header("x-frame-options") == "DENY"


@requirement("OUT-03")
def test_registered_returns_are_what_a_redirect_uri_may_be(make_stack: Any) -> None:
    stack = make_stack(registration="open")
    document = {"redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none"}
    said = register(stack, {**document, "post_logout_redirect_uris": ["https://app.example/bye"]})
    assert (said.status, said.json["post_logout_redirect_uris"]) == (201, ["https://app.example/bye"])
    place = client_item_key(said.json["client_id"])
    stored: Client | None = stack.deployment.store.read(place).get(place)
    assert stored and stored.post_logout_redirect_uris == ("https://app.example/bye",)
    many = [f"https://app.example/{number}" for number in range(11)]
    odd = [
        "http://app.example/",
        "https://10.0.0.1/",
        "javascript:alert(1)",
        "https://x.internal/",
        "/",
        BYE + "&state=x",
    ]
    for wrong in (*([uri] for uri in odd), many, "https://a.example/"):
        said = register(stack, {**document, "post_logout_redirect_uris": wrong})
        assert (said.status, said.json["error"]) == (400, "invalid_client_metadata"), wrong
