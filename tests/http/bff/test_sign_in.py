"""A sign-in that ends in a cookie instead of a code: whose browser it is, and what may be seen of it."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from chalicelib.records.item_keys import client_item_key
from tests.http.bff.scene import ORIGIN, OTHER, App, add_client, refusal, start_app
from tests.kit.http.browser import Answer
from tests.kit.http.proxied import Api
from tests.kit.http.secure_browser import HOST, SecureBrowser
from tests.kit.http.sign_in_scene import assert_page, change, grants, only_written
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

CREDENTIAL = re.compile(r"eyJ[\w-]{20}|tb_(?:bff|code|refresh|device)_[\w-]{40}|[0-9a-f]{64}")


@requirement("BFF-01", "BFF-04")
def test_the_way_ends_at_the_page_where_it_began_and_its_address_says_nothing(app: App) -> None:
    assert app.sign_in(return_to="/notes?x=1#top").location == f"{ORIGIN}/notes?x=1#top"
    assert app.session().json["user"]["name"] == "Alice Almeida"


@requirement("BFF-04")
def test_a_return_to_elsewhere_ends_at_the_apps_home(app: App) -> None:
    for asked in ("//evil.example", "/\\evil.example", "https://evil.example/"):
        anybody = App(app.stack, app.api, app.client)
        assert anybody.sign_in(return_to=asked).location == f"{ORIGIN}/"


@requirement("BFF-04")
def test_of_several_origins_the_one_that_is_named_and_registered(app: App) -> None:
    assert app.sign_in(origin=OTHER, return_to="/a").location == f"{OTHER}/a"
    for unknown in ("https://evil.example", ORIGIN + "/", "null", "https://app.example.evil.example"):
        assert_page(app.begin(origin=unknown), 400)


@requirement("BFF-01")
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_the_cookie_is_for_our_host_and_site_alone_and_no_script_sees_it(
    make_stack: Callable[..., Stack], api: Api, tmp_path: Path, scheme: str
) -> None:
    issuer = {"issuer": f"https://{HOST}"} if scheme == "https" else {}
    app = start_app(make_stack, api, tmp_path, **issuer)
    app.browser = SecureBrowser(app.stack.netloc) if scheme == "https" else app.browser
    app.sign_in()
    (header,) = [one for one in app.browser.set_cookies if "tb_bff_" in one.partition("=")[0]]
    name, _, attributes = header.partition("=")
    parts = {part.strip() for part in attributes.split(";")[1:]}
    secure = {"Secure"} if scheme == "https" else set()
    assert name == ("__Host-" if scheme == "https" else "") + app.cookie_name
    assert parts == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"} | secure


@requirement("BFF-01", "BFF-05")
def test_under_https_a_cookie_without_the_prefix_is_not_ours(
    make_stack: Callable[..., Stack], api: Api, tmp_path: Path
) -> None:
    """Every other host of the domain can plant those, and one with a path of its own would come first."""
    app = start_app(make_stack, api, tmp_path, issuer=f"https://{HOST}")
    app.browser = SecureBrowser(app.stack.netloc)
    app.sign_in()
    planted = app.browser.cookies.pop("__Host-" + app.cookie_name)
    app.browser.cookies[app.cookie_name] = planted
    assert refusal(app.browser.send("GET", app.path + "/session", headers={"Broker-Bff": "1"}))[0] == 403
    answer = secure_call(app)
    assert refusal(answer) == (401, "login_required", "no_session")


def secure_call(app: App) -> Answer:
    """A page's call under the name of an https issuer, whose tests write its own origin into each request."""
    cookies = "; ".join(f"{name}={value}" for name, value in app.browser.cookies.items())
    headers = {"Broker-Bff": "1", "Origin": ORIGIN, "Host": HOST, "Cookie": cookies}
    return app.stack.get(f"{app.path}/session", **headers)


@requirement("BFF-05")
def test_two_cookies_of_one_name_are_refused(app: App) -> None:
    app.sign_in()
    twice = f"{app.cookie_name}=planted; {app.cookie_name}={app.cookie}"
    answer = app.stack.get(f"{app.path}/session", Cookie=twice, Origin=ORIGIN, **{"Broker-Bff": "1"})
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


@requirement("BFF-03")
def test_no_step_shows_a_credential_but_in_a_cookie(app: App) -> None:
    """Of the whole way: each address, each page, each answer to a script."""
    page = app.begin(return_to="/notes")
    left = app.stack.decide(app.browser, page, provider="demo")
    done = app.browser.get(app.stack.provider.sign_in(left.location, "alice"))
    seen = [page, left, done, app.session(), app.call("/api/things"), app.call("/proxy/demo/notes"), app.logout()]
    for answer in seen:
        assert answer.status in (200, 303), answer.body[-300:]
        told = [value for name, value in answer.headers if name != "set-cookie"]
        bodies = re.sub(r'name="request" value="[^"]+"', "", answer.body)  # sealed, and ours
        assert not CREDENTIAL.search("\n".join([*told, bodies])), answer
        for cookie in answer.headers_named("set-cookie"):
            assert "; HttpOnly" in cookie
    assert urlsplit(done.location).query == ""


@requirement("BFF-01", "BFF-05")
def test_each_sign_in_makes_another_session_and_ends_the_one_before(app: App) -> None:
    app.sign_in()
    before = app.cookie
    app.sign_in(prompt="login")
    assert app.cookie != before and app.session().status == 200
    app.browser.cookies[app.cookie_name] = before
    assert refusal(app.session()) == (401, "login_required", "session_over")
    assert len([one for one in grants(app.stack) if not one.is_over(app.stack.clock.now())]) == 1


@requirement("BFF-01", "BFF-05")
def test_a_step_up_without_a_trip_makes_another_session_too(app: App) -> None:
    """The user is still signed in at the broker, so nobody asks the provider."""
    app.sign_in(scope="openid")
    before, page = app.cookie, app.begin(scope="openid profile", return_to="/more")
    assert page.status == 200
    left = app.stack.decide(app.browser, page, provider="demo")
    assert left.location == f"{ORIGIN}/more" and app.cookie != before
    assert app.session().json["scope"] == "openid profile"
    app.browser.cookies[app.cookie_name] = before
    assert app.session().status == 401


@requirement("BFF-05")
def test_a_planted_session_is_not_taken_over(app: App) -> None:
    """Fixation: what an attacker has put into the browser before is over once its user has signed in."""
    attacker = App(app.stack, app.api, app.client)
    attacker.sign_in("bob")
    app.browser.cookies[app.cookie_name] = attacker.cookie
    app.sign_in("alice")
    assert app.cookie != attacker.cookie
    assert app.session().json["user"]["preferred_username"] == "alice"
    assert attacker.session().status == 401


@requirement("BFF-05", "BFF-09")
def test_a_way_back_that_another_began_signs_nobody_in(app: App) -> None:
    """Login CSRF: the victim's browser opens the attacker's way back, and gets a page that leads to the app."""
    attacker = App(app.stack, app.api, app.client)
    callback = attacker.to_callback("bob")
    with only_written(app.stack):
        page = app.browser.get(callback)
    assert_page(page, 403, says="We couldn’t match this sign-in to your browser")
    assert f'href="{ORIGIN}"' in page.body and app.cookie_name not in app.browser.cookies


@requirement("BFF-09")
def test_a_browser_that_keeps_no_cookie_is_told_so_and_led_back(app: App) -> None:
    change(app.stack, client_item_key(app.client.client_id), initiate_login_uri="https://app.example/sign-in")
    app.stack.restart()
    callback = app.to_callback()
    app.browser.cookies.clear()
    page = app.browser.get(callback)
    assert_page(page, 403, says="It may have expired, begun in another browser, or been blocked.")
    assert 'href="https://app.example/sign-in"' in page.body and "unknown state" not in page.body
    assert not any(one.status == "active" for one in grants(app.stack))


@requirement("BFF-05", "CB-01")
def test_the_same_way_back_twice_is_the_same_session_for_a_minute(app: App) -> None:
    callback = app.to_callback()
    app.browser.get(callback)
    first = app.cookie.partition(".")[0]
    assert app.browser.get(callback).location == f"{ORIGIN}/"
    assert app.cookie.partition(".")[0] == first
    app.stack.clock.advance(app.stack.settings.code_seconds)
    assert_page(app.browser.get(callback), 400, says="This sign-in has expired")


@requirement("BFF-05")
def test_after_its_logout_the_way_back_brings_no_session(app: App) -> None:
    callback = app.to_callback()
    app.browser.get(callback)
    app.logout()
    assert_page(app.browser.get(callback), 400)
    assert app.cookie_name not in app.browser.cookies


@requirement("BFF-05")
def test_sessions_of_two_apps_live_side_by_side_and_are_never_exchanged(app: App) -> None:
    other = App(app.stack, app.api, add_client(app.stack))
    other.browser = app.browser
    app.sign_in("alice")
    other.sign_in("bob")
    assert [one.session().json["user"]["preferred_username"] for one in (app, other)] == ["alice", "bob"]
    app.browser.cookies[app.cookie_name] = other.cookie
    assert refusal(app.session()) == (401, "login_required", "no_session")


@requirement("BFF-05")
def test_ids_beside_a_handle_belong_to_that_very_handle(app: App) -> None:
    """What is sealed says whose user it is: beside another handle it would be somebody else's."""
    app.sign_in("alice")
    handle, _, own = app.cookie.partition(".")
    other = App(app.stack, app.api, app.client)
    other.sign_in("bob")
    _, _, others = other.cookie.partition(".")
    for value in (f"{handle}.{others}", f"{handle}.", handle, f"{handle}.{own}x", f"{handle[:-2]}AA.{own}", "x", ""):
        app.browser.cookies[app.cookie_name] = value
        assert refusal(app.session()) == (401, "login_required", "no_session"), value


@requirement("BFF-05")
def test_what_cannot_be_is_told_at_the_page_where_it_began(app: App) -> None:
    for error, asked in (
        ("invalid_scope", {"scope": "openid offline_access"}),
        ("invalid_scope", {"scope": "openid demo:notes:write"}),
        ("invalid_request", {"provider": "nobody"}),
        ("invalid_request", {"prompt": "maybe"}),
        ("invalid_request", {"max_age": "soon"}),
        ("login_required", {"prompt": "none"}),
    ):
        answer = app.begin(return_to="/notes#top", **asked)
        place = urlsplit(answer.location)
        assert (answer.status, place.netloc, place.path, place.fragment) == (303, "app.example", "/notes", "top")
        told = parse_qs(place.query)
        assert told["error"] == [error] and told["error_id"] and told["iss"] == [app.stack.settings.issuer]


@requirement("BFF-05")
def test_a_user_who_cancels_returns_with_the_session_as_it_was(app: App) -> None:
    app.sign_in()
    before, page = app.cookie, app.begin(prompt="consent", return_to="/notes")
    left = app.stack.decide(app.browser, page, "deny")
    assert left.location.startswith(f"{ORIGIN}/notes?error=access_denied")
    assert app.cookie == before and app.session().status == 200


@requirement("BFF-05")
def test_an_app_without_pages_has_no_sessions(app: App) -> None:
    plain = App(app.stack, app.api, add_client(app.stack, bff_origins=(), bff_api=None))
    assert_page(plain.begin(), 400, says="This app can’t ask for that")
    assert refusal(plain.session())[0] == 403
    for client_id in ("0" * 32, "x", "https%3A%2F%2Fapp.example"):
        strange = App(app.stack, app.api, msgspec.structs.replace(app.client, client_id=client_id))
        assert strange.begin().status == 400 and refusal(strange.session())[0] == 403


@requirement("BFF-05")
def test_under_fapi2_there_are_no_sessions(make_stack: Callable[..., Stack], api: Api, tmp_path: Path) -> None:
    app = start_app(make_stack, api, tmp_path)
    app.sign_in()
    app.stack.restart(profile="fapi2")
    assert refusal(app.session())[0] == 403
    assert app.begin().status == 400


@requirement("BFF-01")
def test_the_page_says_where_one_returns_and_for_how_long(app: App) -> None:
    page = app.begin()
    assert "app.example" in page.body and "12 hours, or until you remove it" in page.body
