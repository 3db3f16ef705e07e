"""Whose page calls: a header of our own and a registered origin, for each call and for who may read its answer."""

from itertools import product

import pytest

from chalicelib.ports import StoreUnavailable
from chalicelib.records.item_keys import client_item_key
from tests.http.bff.scene import ORIGIN, OTHER, App, add_client
from tests.kit.http.browser import Answer
from tests.kit.http.sign_in_scene import change, only_written
from tests.kit.http.surface import raw
from tests.kit.requirement import requirement

CALLS = (("GET", "/session"), ("POST", "/logout"), ("GET", "/api/x"), ("POST", "/api/x"), ("GET", "/proxy/demo/x"))
FOREIGN = (
    *("https://evil.example", "null", "", ORIGIN + "/", "http://app.example", "https://app.example:8443"),
    *("https://app.example.evil.example", "https://APP.example", "https://x.app.example", "https://app.exampl"),
)


def readable(answer: Answer) -> tuple[str | None, str | None]:
    """Which origin may read it, and whether with credentials."""
    return answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials")


@requirement("BFF-02")
def test_a_call_without_the_header_is_refused_and_changes_nothing(app: App) -> None:
    app.sign_in()
    for (method, path), value in product(CALLS, ("", "0", "true", "1, 1")):
        with only_written(app.stack):
            answer = app.call(path, method, **{"Broker-Bff": value})
        assert (answer.status, answer.json["error"]) == (403, "invalid_request")
    assert app.api.asked == [] and app.session().status == 200


@requirement("BFF-02")
def test_a_call_from_another_origin_is_refused_and_may_not_be_read(app: App) -> None:
    app.sign_in()
    for (method, path), origin in product(CALLS, (*FOREIGN, app.stack.settings.issuer)):
        with only_written(app.stack):
            answer = app.call(path, method, origin=origin)
        assert (answer.status, answer.json["error"]) == (403, "invalid_request"), origin
        assert readable(answer) == (None, None) and answer.header("vary") == "Origin", origin
    assert app.api.asked == [] and app.session().status == 200


@requirement("BFF-02")
def test_a_form_of_any_page_can_do_nothing(app: App) -> None:
    """It brings the cookie, where the browser lets it, and an Origin, but no header."""
    app.sign_in()
    for path in ("/logout", "/api/x"):
        answer = app.browser.post(app.path + path, {"a": "b"}, Origin=ORIGIN)
        assert answer.status == 403
    assert app.session().status == 200 and app.api.asked == []


@requirement("BFF-02", "GEN-09")
def test_two_origins_are_none(app: App) -> None:
    sent = [("Origin", ORIGIN), ("Origin", ORIGIN), ("Broker-Bff", "1")]
    answer = raw(app.stack.netloc, "GET", app.path + "/session", sent)
    assert answer.status == 400 and readable(answer) == (None, None)


@requirement("BFF-02", "GEN-19")
def test_a_registered_origin_may_read_every_answer_with_its_cookie(app: App) -> None:
    for origin, (method, path) in product((ORIGIN, OTHER), (*CALLS, ("GET", "/proxy/demo/../x"))):
        answer = app.call(path, method, origin=origin)
        assert readable(answer) == (origin, "true") and answer.headers_named("vary") == ["Origin"], answer
        assert answer.header("cache-control") == "no-store"


@requirement("BFF-02", "GEN-19")
def test_a_preflight_says_yes_to_registered_origins_alone(app: App) -> None:
    def ask(path: str, origin: str, app: App = app) -> Answer:
        asked = [("Origin", origin), ("Access-Control-Request-Method", "GET")]
        return raw(app.stack.netloc, "OPTIONS", app.path + path, asked)

    others = App(app.stack, app.api, add_client(app.stack, bff_origins=("https://three.app.example",)))
    for _, path in CALLS:
        good = ask(path, ORIGIN)
        assert good.status == 204 and readable(good) == (ORIGIN, "true") and good.header("vary") == "Origin"
        allowed = str(good.header("access-control-allow-headers")).split(", ")
        assert allowed[:2] == ["Content-Type", "Broker-Bff"] and not {"Authorization", "Cookie", "DPoP"} & set(allowed)
        for refused in (*(ask(path, origin) for origin in FOREIGN), ask(path, ORIGIN, others)):
            assert refused.status == 403 and readable(refused) == (None, None)


@requirement("BFF-02")
def test_an_origin_that_is_registered_no_more_is_refused(app: App) -> None:
    """The cache may know it for 10 s."""
    app.sign_in()
    change(app.stack, client_item_key(app.client.client_id), bff_origins=(OTHER,))
    app.stack.clock.advance(10)
    assert app.session().status == 403 and app.session(origin=OTHER).status == 200


@requirement("BFF-02")
def test_an_origin_that_is_registered_now_is_known_at_once(app: App) -> None:
    app.sign_in()
    new = "https://new.app.example"
    assert app.session(origin=new).status == 403
    change(app.stack, client_item_key(app.client.client_id), bff_origins=(ORIGIN, new))
    assert app.session(origin=new).status == 200


@requirement("BFF-02", "GEN-13")
def test_where_nobody_knows_nobody_may_read(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table does not answer: no call goes on, and no origin is let in on a guess."""

    def away(*places: object, **options: object) -> None:
        raise StoreUnavailable("away")

    app.sign_in()
    monkeypatch.setattr(app.stack.broker.registry, "lookup", away)
    answer = app.session()
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert readable(answer) == (None, None)
