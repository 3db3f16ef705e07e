"""A hand-out that cannot be says what is missing, where this very user can help, and whether asking again can help."""

from typing import Any

import pytest

from chalicelib.records.item_keys import connection_item_key, provider_item_key
from tests.kit.http.browser import Answer
from tests.kit.http.connect_links import SCOPES, connect, link_of, press, start_linkable
from tests.kit.http.stack import APP, Stack
from tests.kit.http.tokens import Session, change, count_calls, mark, refusal, start_session
from tests.kit.requirement import requirement


def told(answer: Answer) -> dict[str, Any]:
    """What the refusal says beside its code."""
    assert answer.status == 400, answer.body
    names = ("error", "error_description", "error_id", "connect_uri")
    return {name: value for name, value in answer.json.items() if name not in names}


def use(session: Session, uri: str, who: str = "alice") -> Answer:
    """The user opens the link of a refusal and allows."""
    browser = session.sign_in.browser
    left = press(browser, browser.get(uri))
    return browser.get(session.stack.provider.sign_in(left.location, who))


@requirement("VLT-08")
def test_what_is_not_connected_leads_to_a_link_that_connects_it(stack: Stack, session: Session) -> None:
    answer = session.exchange(audience="second", scope="notes:read")
    assert refusal(answer) == (400, "invalid_target")
    assert told(answer) == {"reason": "not_connected", "missing_scopes": ["notes:read"], "retry": "after_connect"}
    back = use(session, answer.json["connect_uri"])
    assert back.location.startswith(APP) and back.answered.keys() == {"connection_id", "iss"}
    token = session.refresh().json["access_token"]
    assert session.exchange(token, audience="second", scope="notes:read").status == 200


@requirement("VLT-08")
def test_connected_with_less_leads_to_a_link_for_what_is_missing(stack: Stack) -> None:
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    session = start_linkable(stack)
    connect(session, provider="demo", scope="notes:write")
    stack.provider.faults.reset()
    answer = session.exchange(scope="notes:write")
    assert refusal(answer) == (400, "invalid_scope")
    assert told(answer) == {"reason": "not_allowed", "missing_scopes": ["notes:write"], "retry": "after_connect"}
    use(session, answer.json["connect_uri"])
    assert session.exchange(session.refresh().json["access_token"], scope="notes:write").status == 200


@requirement("VLT-08")
def test_less_than_was_allowed_is_missing_scopes(stack: Stack, session: Session) -> None:
    connected = connect(session, scope="notes:read notes:write").answered["connection_id"]
    change(stack, connection_item_key(connected), granted=frozenset({"openid", "notes:read"}))
    token = session.refresh().json["access_token"]
    answer = session.exchange(token, audience=connected, scope="notes:read notes:write")
    expected = {"reason": "missing_scopes", "missing_scopes": ["notes:write"], "retry": "after_connect"}
    assert refusal(answer) == (400, "invalid_scope") and told(answer) == expected
    use(session, answer.json["connect_uri"])
    assert session.exchange(token, audience=connected, scope="notes:write").status == 200


@requirement("VLT-08")
def test_what_must_be_renewed_leads_to_a_link_that_renews_it(stack: Stack, session: Session) -> None:
    change(stack, session.connection_place(), status="reauth_required")
    answer = session.exchange()
    assert refusal(answer) == (400, "invalid_grant")
    expected = {"reason": "reauth_required", "missing_scopes": ["notes:read"], "retry": "after_connect"}
    assert told(answer) == expected
    use(session, answer.json["connect_uri"])
    assert session.exchange().status == 200


@requirement("VLT-08", "CB-03")
def test_the_link_of_a_refusal_is_for_this_user_alone(stack: Stack, session: Session) -> None:
    bob = start_session(stack, who="bob", client=(session.client, None))
    uri = session.exchange(audience="second").json["connect_uri"]
    assert bob.sign_in.browser.get(uri).status == 403


@requirement("VLT-08")
def test_an_older_or_narrower_token_is_told_to_be_renewed(stack: Stack, session: Session) -> None:
    older = session.access
    connect(session, provider="demo", scope="notes:write")
    for scope in ("notes:write", None):
        answer = session.exchange(older, scope=scope)
        assert told(answer)["retry"] == "with_new_token" and "connect_uri" not in answer.json
        assert told(answer)["missing_scopes"] == ["notes:write"]
    assert session.exchange(str(session.refresh().json["access_token"]), scope="notes:write").status == 200


@requirement("VLT-08", "VLT-01")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"audience": "github"}, "not_connected"),
        ({"audience": "nothing"}, "not_connected"),
        ({"audience": "0" * 32}, "not_connected"),
        ({"scope": "notes:delete"}, "not_allowed"),
        ({"scope": "github:repo"}, "not_allowed"),
    ],
)
def test_what_no_connect_can_bring_says_never(
    stack: Stack, session: Session, changed: dict[str, str], reason: str
) -> None:
    answer = session.exchange(**changed)
    assert (told(answer)["reason"], told(answer)["retry"]) == (reason, "never")
    assert "connect_uri" not in answer.json


@requirement("VLT-08")
def test_a_provider_that_is_off_or_not_for_the_app_gets_no_link(stack: Stack, session: Session) -> None:
    other = start_session(stack, scopes=SCOPES, providers=frozenset({"demo"}))
    connected = connect(session).answered["connection_id"]
    fresh = start_session(stack, scopes=SCOPES)
    mark(stack, provider_item_key("second"), disabled=True)
    token = str(session.refresh().json["access_token"])
    answers = [other.exchange(audience="second"), fresh.exchange(audience="second")]
    for answer in (*answers, session.exchange(token, audience=connected)):
        assert told(answer)["retry"] == "never" and "connect_uri" not in answer.json


@requirement("VLT-08", "XCH-01")
@pytest.mark.parametrize("handout", ["none", "proxy"])
def test_an_app_without_hand_outs_gets_no_link(stack: Stack, handout: str) -> None:
    session = start_linkable(stack, handout=handout)
    answer = session.exchange(audience="second")
    assert answer.status == 400 and "connect_uri" not in answer.json


@requirement("VLT-08")
@pytest.mark.parametrize(
    "fields",
    [
        {"redirect_uris": (APP, "https://app.example/other")},
        {"redirect_uris": ("http://127.0.0.1/back",), "application_type": "native"},
    ],
    ids=["several", "a port that changes"],
)
def test_where_the_way_back_is_not_certain_it_ends_on_a_page_of_ours(stack: Stack, fields: dict[str, Any]) -> None:
    session = start_linkable(stack, **fields)
    uri = session.exchange(audience="second").json["connect_uri"]
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    page = use(session, uri)
    stack.provider.faults.reset()
    assert page.status == 200 and "Connected, with less" in page.body and "https://home.example/" in page.body
    assert "Go back to the app" in use(session, session.exchange(audience="second").json["connect_uri"], "bob").body
    browser = session.sign_in.browser
    uri = link_of(session, redirect_uri=fields["redirect_uris"][0])
    assert press(browser, browser.get(uri), "deny").location.startswith(fields["redirect_uris"][0])


@requirement("VLT-08")
def test_a_loopback_address_with_its_port_is_returned_to(stack: Stack) -> None:
    back = "http://localhost:8081/back"
    session = start_linkable(stack, redirect_uris=(back,), application_type="native")
    answer = use(session, session.exchange(audience="second").json["connect_uri"])
    assert answer.location.startswith(f"{back}?connection_id=") and "state" not in answer.answered


@requirement("VLT-08")
def test_a_no_at_such_a_link_ends_on_a_page_of_ours_too(stack: Stack) -> None:
    session = start_linkable(stack, redirect_uris=(APP, "https://app.example/other"))
    browser, uri = session.sign_in.browser, session.exchange(audience="second").json["connect_uri"]
    left = press(browser, browser.get(uri))
    for page in (
        press(browser, browser.get(uri), "deny"),
        browser.get(stack.provider.sign_in(left.location, "refuse")),
    ):
        assert page.status == 200 and "Nothing was connected" in page.body and page.location == ""


@requirement("VLT-08", "BUDGET")
def test_a_way_out_costs_no_call(stack: Stack, session: Session) -> None:
    session.exchange()
    before = count_calls(stack)
    assert "connect_uri" in session.exchange(audience="second").json
    assert count_calls(stack) == before + 1


@requirement("VLT-08")
def test_more_than_a_link_can_hold_gets_none(stack: Stack) -> None:
    many = frozenset(f"second:{'s' * 40}{number}" for number in range(40))
    session = start_linkable(stack, scopes=SCOPES | many)
    answer = session.exchange(audience="second", scope=" ".join(sorted(many)))
    assert told(answer)["retry"] == "never" and "connect_uri" not in answer.json
