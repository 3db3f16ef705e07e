"""Apps are told that a browser session has ended (OpenID Connect Back-Channel Logout 1.0): whom, what, how often."""

import json
from typing import Any

import pytest

from chalicelib.records.item_keys import client_item_key
from cli.main import build_parser
from tests.kit.http.browser import request
from tests.kit.http.device import ask, start_device
from tests.kit.http.documents import URL, Site, start_documents
from tests.kit.http.documents import app as document_app
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON
from tests.kit.http.tokens import change, events, read_claims, start_session
from tests.kit.logout.backchannel_app import App, app, jobs, leave, run, sign_in, wired
from tests.kit.logout.browser_logout import is_signed_in, log_out, press
from tests.kit.requirement import requirement

__all__ = ["app", "wired"]


@requirement("OUT-05")
def test_an_app_is_told_which_session_of_whom_has_ended(wired: Stack, app: App) -> None:
    session = sign_in(wired, app)
    signed_in = read_claims(session.tokens["id_token"])
    with only_written(wired, "JOB", "SEEN"):
        leave(session)
    assert app.told == [], "never while the user waits"
    assert [one.outcome for one in run(wired)] == ["done"] and jobs(wired) == []
    (claims,) = app.tokens(wired)
    jti, now = claims.pop("jti"), wired.clock.now()
    assert len(jti) == 32 and claims == {
        "typ": "logout+jwt", "iss": wired.settings.issuer, "aud": session.client.client_id, "sub": signed_in["sub"],
        "sid": signed_in["sid"], "iat": now, "exp": now + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip
    (line,) = events(wired, "sign_out_told")
    assert line["client_id"] == session.client.client_id


@requirement("OUT-05", "INT-03")
def test_a_logout_token_is_nothing_else(wired: Stack, app: App) -> None:
    session = sign_in(wired, app)
    leave(session)
    run(wired)
    token = app.told[0][1]["logout_token"]
    assert wired.userinfo(token).status == 401
    again = start_session(wired, client=(session.client, None))
    page = log_out(again.sign_in.browser, id_token_hint=token)
    assert "Sign out?" in page.body, "nor does it say who is meant"
    assert session.client.client_name not in page.body, "nor which client"


@requirement("OUT-05")
def test_every_app_of_the_session_is_told_and_no_other(wired: Stack, app: App) -> None:
    first = sign_in(wired, app, "first")
    browser = first.sign_in.browser
    second, _ = wired.client(backchannel_logout_uri=app.uri("second"))
    wired.redeem(wired.sign_in(second, browser=browser))
    quiet, _ = wired.client()
    wired.redeem(wired.sign_in(quiet, browser=browser))
    sign_in(wired, app, "elsewhere")
    sign_in(wired, app, "bob", who="bob")
    leave(first)
    assert [one.outcome for one in run(wired)] == ["done"]
    assert sorted(path for path, _ in app.told) == ["/first", "/second"]
    assert {one["aud"] for one in app.tokens(wired)} == {first.client.client_id, second.client_id}
    assert len({one["sid"] for one in app.tokens(wired)}) == 1


@requirement("OUT-05")
def test_an_app_that_gets_its_code_without_a_trip_is_told_too(wired: Stack, app: App) -> None:
    session = start_session(wired)
    browser = session.sign_in.browser
    change(wired, client_item_key(session.client.client_id), backchannel_logout_uri=app.uri())
    wired.restart()
    assert is_signed_in(wired, session), "a silent sign-in"
    leave(session)
    run(wired)
    assert len(app.told) == 1
    page = wired.authorize(wired.authorize_parameters(session.client), browser)
    assert page.status == 200, "and by the button of our page"
    again = start_session(wired, client=(session.client, None))
    page = wired.authorize(wired.authorize_parameters(session.client, prompt="consent"), again.sign_in.browser)
    assert "code=" in wired.decide(again.sign_in.browser, page, provider="demo").location
    leave(again)
    run(wired)
    assert len(app.told) == 2


@requirement("OUT-05")
def test_an_app_that_signed_its_user_in_twice_is_told_once(wired: Stack, app: App) -> None:
    session = sign_in(wired, app)
    again = wired.sign_in(session.client, browser=session.sign_in.browser, prompt="login consent")
    assert wired.redeem(again).status == 200
    leave(session)
    run(wired)
    assert len(app.told) == 1


@requirement("OUT-05")
def test_pressing_the_button_tells_them_and_staying_does_not(wired: Stack, app: App) -> None:
    session = sign_in(wired, app)
    browser = session.sign_in.browser
    press(browser, log_out(browser), "stay")
    assert jobs(wired) == []
    press(browser, log_out(browser))
    assert len(jobs(wired)) == 1
    run(wired)
    assert len(app.told) == 1


@requirement("OUT-06")
def test_an_app_that_does_not_take_it_is_told_again_later_and_in_the_end_given_up(wired: Stack, app: App) -> None:
    session = sign_in(wired, app)
    leave(session)
    begun, app.says = wired.clock.now(), 500
    assert [one.outcome for one in run(wired)] == ["later"]
    waits = []
    while left := jobs(wired):
        waits.append(left[0].due_at - wired.clock.now())
        wired.clock.time = left[0].due_at
        outcomes = [one.outcome for one in run(wired)]
    assert waits[:4] == [60, 240, 960, 3840] and outcomes == ["given_up"]
    assert wired.clock.now() == begun + 86400
    (alarm,) = events(wired, "alarm")
    assert (alarm["kind"], alarm["client_id"]) == ("sign_out_given_up", session.client.client_id)
    assert len({one["jti"] for one in app.tokens(wired)}) == len(app.told) == len(waits) + 1, "each try is a new token"


@requirement("OUT-06")
@pytest.mark.parametrize(
    ("says", "taken"), [(200, True), (204, True), (201, False), (302, False), (400, False), (503, False)]
)
def test_what_an_app_says_to_it(wired: Stack, app: App, says: int, taken: bool) -> None:
    session = sign_in(wired, app)
    leave(session)
    app.says = says
    assert [one.outcome for one in run(wired)] == ["done" if taken else "later"]
    assert len(app.told) == 1, "a redirect is not followed"


@requirement("OUT-06")
def test_an_app_that_is_away_keeps_no_other_from_being_told(wired: Stack, app: App) -> None:
    first = sign_in(wired, app)
    gone, _ = wired.client(backchannel_logout_uri="http://nowhere.example:1/told")
    wired.redeem(wired.sign_in(gone, browser=first.sign_in.browser))
    leave(first)
    assert [one.outcome for one in run(wired)] == ["done"] and len(app.told) == 1
    (left,) = jobs(wired)
    assert [told.client_id for told in left.told] == [gone.client_id]
    assert [one.outcome for one in run(wired)] == ["later"] and len(app.told) == 1


@requirement("OUT-06")
def test_what_there_is_no_time_for_has_a_duty_of_its_own(
    wired: Stack, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sign_in(wired, app)
    second, _ = wired.client(backchannel_logout_uri=app.uri("second"))
    wired.redeem(wired.sign_in(second, browser=first.sign_in.browser))
    leave(first)
    left = iter([*[60.0] * 4, 1.0, *[60.0] * 12])
    monkeypatch.setattr(type(wired.broker.deadline), "left", lambda self: next(left))
    assert [one.outcome for one in run(wired)] == ["done"]
    assert len(app.told) == 1 and len(jobs(wired)) == 1
    run(wired)
    assert len(app.told) == 2 and jobs(wired) == []


@requirement("OUT-06", "TOK-07")
@pytest.mark.parametrize("changed", ["deleted", "disabled", "silent"])
def test_an_app_that_wants_to_hear_no_more_is_told_nothing(wired: Stack, app: App, changed: str) -> None:
    session = sign_in(wired, app)
    leave(session)
    place = client_item_key(session.client.client_id)
    if changed == "deleted":
        wired.deployment.delete(place)
    elif changed == "disabled":
        change(wired, place, expires_at=wired.clock.now())
    else:
        change(wired, place, backchannel_logout_uri=None)
    assert [one.outcome for one in run(wired)] == ["done"] and app.told == []


@requirement("OUT-06", "FETCH-01")
def test_nobody_is_called_on_our_own_machine_or_network(stack: Stack, app: App) -> None:
    session = sign_in(stack, app, backchannel_logout_uri=f"http://127.0.0.1:{app.port}/told")
    leave(session)
    assert [one.outcome for one in run(stack)] == ["later"] and app.told == []


@requirement("OUT-05")
def test_a_session_of_many_apps_still_fits_its_cookie(wired: Stack, app: App) -> None:
    session = sign_in(wired, app)
    browser = session.sign_in.browser
    for number in range(17):
        client, _ = wired.client(backchannel_logout_uri=app.uri(str(number)))
        wired.redeem(wired.sign_in(client, browser=browser))
    assert len(browser.cookies["tb_session"]) < 3000
    log_out(browser, id_token_hint=session.tokens["id_token"])
    (job,) = jobs(wired)
    run(wired)
    assert len(job.told) == len(app.told) == 16 and {path for path, _ in app.told} == {f"/{n}" for n in range(1, 17)}


@requirement("OUT-05", "DEV-01")
def test_a_device_is_no_part_of_the_browser_session_in_which_it_was_approved(wired: Stack, app: App) -> None:
    device = start_device(wired, backchannel_logout_uri=app.uri())
    browser = wired.browser()
    device.approve(browser)
    assert "sid" not in read_claims(device.poll().json["id_token"])
    again = ask(wired, device.client, device.secret)
    browser, page = again.type(browser)
    assert wired.decide(browser, page, provider="demo").status == 200 and again.poll().status == 200, "without a trip"
    assert "You’re signed out" in press(browser, log_out(browser)).body
    assert jobs(wired) == []


@requirement("OUT-07")
def test_the_operator_signs_a_user_out_everywhere(wired: Stack, app: App) -> None:
    here, there = sign_in(wired, app, "one"), sign_in(wired, app, "one")
    other = start_session(wired, client=(here.client, None))
    by_name = sign_in(wired, app, "by_name", backchannel_logout_session_required=True)
    quiet, bob = start_session(wired), sign_in(wired, app, "one", who="bob")
    options = build_parser().parse_args(["user", "sign-out", here.claims["sub"]])
    said = options.act(wired.deployment, options)
    assert said["told"] == sorted(one.client.client_id for one in (here, there, by_name))
    for session in (here, there, other, by_name, quiet):
        assert not is_signed_in(wired, session) and session.refresh().status == 200, "what apps hold stays"
    assert is_signed_in(wired, bob)
    wired.clock.advance(60)  # the operator's command goes by the real clock
    run(wired)
    told = {one["aud"]: one for one in app.tokens(wired)}
    assert len(app.told) == len(told) == 3 and {one["sub"] for one in told.values()} == {here.claims["sub"]}
    assert "sid" not in told[here.client.client_id] and "sid" not in told[there.client.client_id]
    assert told[by_name.client.client_id]["sid"] == read_claims(by_name.tokens["id_token"])["sid"]


@requirement("OUT-07", "CIMD-04")
def test_the_operators_sign_out_is_told_to_an_app_that_is_named_by_a_url(make_stack: Any, site: Site) -> None:
    stack = start_documents(make_stack, site)
    site.describe(backchannel_logout_uri="https://client.example/told")
    session = start_session(stack, client=(document_app(), None))
    options = build_parser().parse_args(["user", "sign-out", session.claims["sub"]])
    assert options.act(stack.deployment, options)["told"] == [URL]
    (duty,) = jobs(stack)
    assert [(one.client_id, one.sub) for one in duty.told] == [(URL, session.claims["sub"])]


@requirement("OUT-05", "META-02")
def test_the_metadata_says_that_apps_are_told_of_single_sessions(stack: Stack) -> None:
    known = stack.get("/.well-known/openid-configuration").json
    assert known["backchannel_logout_supported"] is known["backchannel_logout_session_supported"] is True
    assert "sid" in known["claims_supported"] and "frontchannel_logout_supported" not in known


@requirement("OUT-08", "REG-03")
def test_who_registers_alone_is_told_at_its_own_address_only(make_stack: Any) -> None:
    stack = make_stack(registration="open")

    def register(uri: object, **more: object) -> Any:
        document = {"redirect_uris": ["https://app.example/cb", "https://app.example:8443/cb"], **more}
        body = json.dumps({**document, "token_endpoint_auth_method": "none", "backchannel_logout_uri": uri})
        return request(stack.netloc, "POST", "/register", body=body, headers={"Content-Type": JSON})

    good = register("https://app.example/told?a=1", backchannel_logout_session_required=True)
    assert good.status == 201 and good.json["backchannel_logout_uri"] == "https://app.example/told?a=1"
    assert good.json["backchannel_logout_session_required"] is True
    for uri in ("https://victim.example/told", "http://app.example/told", "https://app.example:8443/told", "/told",
                "https://10.0.0.1/told", "https://app.example/told#x", "https://u@app.example/told", 7,
                "https://app.example.attacker.example/told", "javascript:alert(1)"):  # fmt: skip
        assert (said := register(uri)).status == 400 and said.json["error"] == "invalid_client_metadata", uri
    assert register(None, backchannel_logout_session_required="yes").status == 400
