"""How many calls a browser session costs at the table, warm; none at KMS."""

from tests.http.bff.scene import App
from tests.kit.http.tokens import events
from tests.kit.limits.call_budget import spends
from tests.kit.requirement import requirement


@requirement("BUDGET")
def test_a_call_costs_one_read_and_through_the_proxy_its_record_too(app: App) -> None:
    app.sign_in()
    app.call("/proxy/demo/notes")  # the block of hand-outs that it counts in
    app.call("/api/x")  # the key that signs
    with app.stack.dynamodb.counted() as calls:
        app.session()
    assert calls == {"BatchGetItem": 1}
    for path, expected in (("/session", 1), ("/api/x", 1), ("/proxy/demo/notes", 2)):
        with spends(app.stack, expected, path):
            assert app.call(path).status == 200
    with spends(app.stack, 0, "no session"):
        assert App(app.stack, app.api, app.client).session().status == 401
    with spends(app.stack, 1, "logout"):
        assert app.logout().status == 200


@requirement("BUDGET")
def test_the_end_of_a_session_moves_with_one_write_in_a_tenth_of_that_time(app: App) -> None:
    app.sign_in()
    app.session()
    tenth = app.stack.settings.bff_idle_seconds // 10
    app.stack.clock.advance(tenth - 1)
    app.stack.broker.keys.get("signing")
    app.stack.broker.keys.get("handle")
    app.session()
    with spends(app.stack, 1, "before"):
        app.session()
    app.stack.clock.advance(1)
    with spends(app.stack, 2, "then"):
        app.session()
    with spends(app.stack, 1, "afterwards"):
        app.session()


@requirement("BUDGET")
def test_a_sign_in_costs_what_any_does_and_one_write_where_it_replaces_a_session(app: App) -> None:
    app.sign_in()
    first = App(app.stack, app.api, app.client)
    with spends(app.stack, 0, "the page"):
        first.begin()
    app.stack.provider.faults.drop_refresh_token = True
    callback = first.to_callback("alice")
    with spends(app.stack, 4, "claim, batch read, connection, issue"):
        first.browser.get(callback)
    callback = first.to_callback("alice", prompt="login")
    with spends(app.stack, 5, "claim, batch read, connection, the old session, issue"):
        first.browser.get(callback)
    assert [line["by"] for line in events(app.stack, "grant_revoked")] == ["user"]
