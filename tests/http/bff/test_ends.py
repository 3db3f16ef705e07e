"""How a session ends, and what its page is told then: a typed answer, and where to go."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    consent_item_key,
    grant_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.revocation import Revocation
from cli.main import build_parser
from tests.http.bff.scene import ORIGIN, App, refusal, start_app
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.account_page import enter, look, press
from tests.kit.http.proxied import Api
from tests.kit.http.sign_in_scene import change, grants, only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import events, respell
from tests.kit.requirement import requirement

CALLS = ("/session", "/api/x", "/proxy/demo/x")


def assert_over(app: App, reason: str = "session_over") -> None:
    """Every call says so, alike, leaves the cookie alone and leads to the sign-in."""
    for path in CALLS:
        answer = app.call(path)
        assert refusal(answer) == (401, "login_required", reason), (path, answer.body)
        assert answer.json["login_uri"] == f"{app.stack.settings.issuer}{app.path}/login"
        assert answer.headers_named("set-cookie") == []
        assert answer.challenge == 'Cookie realm="broker"'
        assert answer.header("access-control-allow-origin") == ORIGIN
    assert app.api.asked == []


@requirement("BFF-06")
def test_without_a_session_its_page_learns_where_one_begins(app: App) -> None:
    assert_over(app, "no_session")


@requirement("BFF-06")
def test_an_unused_session_ends(app: App) -> None:
    app.sign_in()
    app.stack.clock.advance(app.stack.settings.bff_idle_seconds - 1)
    assert app.session().status == 200
    app.stack.clock.advance(app.stack.settings.bff_idle_seconds)
    assert_over(app)


@requirement("BFF-06")
def test_use_of_each_kind_keeps_it_alive(app: App) -> None:
    app.sign_in()
    for path in (*CALLS, *CALLS):
        app.stack.clock.advance(app.stack.settings.bff_idle_seconds - 1)
        assert app.call(path).status == 200


@requirement("BFF-06")
def test_no_use_keeps_it_beyond_its_time(make_stack: Callable[..., Stack], api: Api, tmp_path: Path) -> None:
    app = start_app(make_stack, api, tmp_path, bff_idle_seconds=600, bff_end_seconds=1500)
    app.sign_in()
    told = app.session().json
    assert told["ends_at"] - told["signed_in_at"] == 1500
    assert told["ends_unused_at"] - told["signed_in_at"] == 600
    for _ in range(2):
        app.stack.clock.advance(590)
        assert app.session().status == 200
    assert app.session().json["ends_unused_at"] == told["ends_at"]
    app.stack.clock.advance(320)
    assert_over(app)


@requirement("BFF-06", "REV-03", "AUD-09")
def test_its_logout_ends_it_and_every_token_that_came_of_it(app: App) -> None:
    app.sign_in()
    app.call("/api/x")
    token, before = app.api.asked.pop().token, app.cookie
    asks = app.stack.client(
        token_endpoint_auth_method="client_secret_basic", serves=frozenset({"https://api.team.example"})
    )
    assert app.stack.post("/introspect", *asks, token=token).json["active"] is True
    answer = app.logout()
    assert answer.status == 200 and answer.json["signed_out"] is True
    assert answer.json["logout_uri"] == f"{app.stack.settings.issuer}/logout"
    assert app.cookie_name not in app.browser.cookies
    assert app.stack.post("/introspect", *asks, token=token).json == {"active": False}
    app.browser.cookies[app.cookie_name] = before
    assert_over(app)
    (grant,) = grants(app.stack)
    assert grant.status == "revoked"
    (line,) = events(app.stack, "grant_revoked")
    assert (line["grant_id"], line["client_id"], line["by"]) == (grant.grant_id, app.client.client_id, "user")


@requirement("BFF-06")
def test_a_logout_without_a_session_is_one_too(app: App) -> None:
    with only_written(app.stack):
        assert app.logout().status == 200
        app.browser.cookies[app.cookie_name] = "x"
        assert app.logout().status == 200 and app.cookie_name not in app.browser.cookies


@requirement("BFF-06", "OPS-02")
def test_a_mark_ends_it_at_its_next_call(app: App) -> None:
    app.sign_in()
    app.stack.deployment.put(DEPLOYMENT, Deployment())
    grant, client_id = app.grant(), app.client.client_id
    places: tuple[ItemKey[Any], ...] = (
        *(client_item_key(client_id), subject_item_key(grant.sub), consent_item_key(grant.sub, client_id)),
        *(provider_item_key("demo"), DEPLOYMENT),
    )
    for place, marks in product(places, (Revocation(disabled=True), Revocation(not_before=app.stack.clock.now() + 1))):
        change(app.stack, place, marks=marks)
        assert_over(app)
        change(app.stack, place, marks=Revocation())
    assert app.session().status == 200


@requirement("BFF-06", "OUT-07")
def test_it_ends_where_its_user_is_signed_out_everywhere(app: App) -> None:
    """However it came about: at the callback, and without a trip."""
    app.sign_in()
    for _ in range(2):
        assert app.session().status == 200
        options = build_parser().parse_args(["user", "sign-out", app.grant().sub])
        options.act(app.stack.deployment, options)
        assert_over(app)
        app.sign_in(scope="openid notes demo:notes:read")
        app.begin(scope="openid notes demo:notes:read")  # the session at the broker suffices
    assert app.session().status == 200


@requirement("BFF-06")
def test_a_lost_answer_as_its_end_moves_costs_nobody_the_session(app: App) -> None:
    app.sign_in()
    table = app.stack.broker.store._transport  # type: ignore[attr-defined]
    for mode, times, status in (("A", 1, 200), ("B", 1, 200), ("A", 3, 503), ("B", 3, 503)):
        app.stack.clock.advance(app.stack.settings.bff_idle_seconds // 2)
        faulty = FaultyTransport(table, Fault(mode=mode, operation="UpdateItem", times=times))
        app.stack.broker.store._transport = faulty  # type: ignore[attr-defined]
        assert app.session().status == status, (mode, times)
        app.stack.broker.store._transport = table  # type: ignore[attr-defined]
        assert app.session().status == 200


@requirement("BFF-06")
def test_it_ends_with_the_epoch_and_with_its_grant(app: App) -> None:
    app.sign_in()
    app.stack.restart(epoch=1)
    assert_over(app, "no_session")
    app.stack.restart(epoch=0)
    assert app.session().status == 200
    change(app.stack, grant_item_key(app.grant().grant_id), status="revoked")
    assert_over(app)


@requirement("BFF-06")
def test_only_the_handle_that_was_given_opens_it(app: App) -> None:
    """Even whoever holds the handle key cannot write another, nor end the session by one of another secret."""
    app.sign_in()
    good = app.cookie
    handle, _, ids = good.partition(".")
    for changed in ({"generation": 2}, {"generation": 0}, {"secret": b"y" * 16}):
        app.browser.cookies[app.cookie_name] = respell(app.stack, handle, "bff", **changed) + "." + ids
        assert refusal(app.session())[0] == 401, changed
    app.logout()
    app.browser.cookies[app.cookie_name] = good
    assert app.session().status == 200


@requirement("BFF-06", "INT-03")
def test_its_handle_is_no_token(app: App) -> None:
    """Neither a refresh token nor a code, at whichever endpoint and under whichever name."""
    app.sign_in()
    handle = app.cookie.partition(".")[0]
    client = replace(app.client, redirect_uris=("https://app.example/cb",))
    change(app.stack, client_item_key(client.client_id), grant_types=frozenset({"refresh_token", "authorization_code"}))
    app.stack.restart()
    for text in (handle, handle.replace("tb_bff_", "tb_refresh_"), handle.replace("tb_bff_", "tb_code_")):
        assert app.stack.token(client, grant_type="refresh_token", refresh_token=text).status == 400
        asked = {"code": text, "code_verifier": "v" * 43}
        assert app.stack.token(client, grant_type="authorization_code", **asked).status == 400
        assert app.stack.userinfo(text).status == 401
        app.stack.post("/revoke", client, token=text)
    assert app.session().status == 200


@requirement("BFF-06")
def test_any_number_of_calls_at_the_moment_when_its_end_moves_go_through(app: App) -> None:
    app.sign_in()
    app.stack.clock.advance(app.stack.settings.bff_idle_seconds // 2)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: app.session().status, range(8)))
    assert statuses == [200] * 8


@requirement("BFF-06", "BFF-01")
def test_calls_beside_a_step_up_leave_the_new_session_alone(app: App) -> None:
    """A slow call of the old session is refused, and does not take the new cookie away."""
    app.sign_in()
    old = App(app.stack, app.api, app.client)
    old.browser.cookies.update(app.browser.cookies)
    app.sign_in(prompt="login")
    answer = old.session()
    assert answer.status == 401 and answer.headers_named("set-cookie") == []
    assert app.session().status == 200


@requirement("BFF-06", "PAIR-01")
def test_an_app_with_names_of_its_own_for_users_sees_those(app: App) -> None:
    change(app.stack, client_item_key(app.client.client_id), subject_type="pairwise", sector="app.example")
    app.stack.restart()
    app.sign_in()
    shown = app.session().json["user"]["sub"]
    assert shown != app.grant().sub and shown == app.grant().shown_sub
    assert app.call("/proxy/demo/x").status == 200


@requirement("ACC-07", "BFF-06")
def test_a_paused_app_is_told_so_by_every_call_and_its_session_goes_on_when_it_is_resumed(app: App) -> None:
    """The page keeps its cookie: the user has ended nothing, and signs in nowhere again."""
    app.sign_in()
    grant = app.grant()
    person = enter(app.stack)
    press(person, look(person), f"pause {app.client.client_id}")
    for _ in range(2):
        assert_over(app, "paused")
        app.stack.clock.advance(60)
    assert app.grant().status == "active" and app.grant().generation == grant.generation
    press(person, look(person), f"resume {app.client.client_id}")
    assert app.session().status == 200
    assert app.call("/proxy/demo/x").status == 200
    assert len(app.api.asked) == 1


@requirement("ACC-07", "BFF-06")
def test_the_page_can_still_sign_out_while_its_app_is_paused(app: App) -> None:
    app.sign_in()
    person = enter(app.stack)
    press(person, look(person), f"pause {app.client.client_id}")
    assert app.logout().status in (200, 204)
    assert all(grant.is_over(app.stack.clock.now()) for grant in grants(app.stack))
