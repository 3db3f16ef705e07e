"""A device signs in: from its code through a person's browser to tokens (RFC 8628)."""

import json
import re
from collections.abc import Callable

import pytest
from msgspec import structs

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.user_code import parse_user_code
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import client_item_key, grant_item_key, provider_item_key
from chalicelib.records.revocation import Revocation
from tests.kit.http.browser import Answer, read_page, request
from tests.kit.http.device import GRANTS, ask, cancel, start_device
from tests.kit.http.sign_in_scene import assert_page, connections, grants, only_written, with_query
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change, disable_client, read, read_claims, refusal, rotate_key
from tests.kit.requirement import requirement


@requirement("DEV-01", "DEV-03", "DEV-07")
def test_a_device_gets_its_tokens_once_its_user_has_signed_in_elsewhere(stack: Stack) -> None:
    device = start_device(stack)
    assert device.error() == "authorization_pending"
    assert "You’re signed in on your device" in device.approve().body
    tokens = device.poll().json
    claims = read_claims(tokens["access_token"])
    assert (claims["client_id"], claims["aud"]) == (device.client.client_id, stack.settings.issuer)
    assert stack.userinfo(tokens["access_token"]).json["sub"] == claims["sub"]
    refreshed = stack.token(device.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.status == 200, refreshed.body
    assert read_claims(tokens["id_token"])["aud"] == device.client.client_id


@requirement("DEV-01")
def test_what_the_device_is_told(stack: Stack) -> None:
    told = start_device(stack).told
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", told["user_code"])
    assert told == {
        "device_code": told["device_code"],
        "user_code": told["user_code"],
        "verification_uri": f"{stack.settings.issuer}/device",
        "verification_uri_complete": f"{stack.settings.issuer}/device?user_code={told['user_code']}",
        "expires_in": 600,
        "interval": 5,
    }


@requirement("DEV-01")
def test_neither_code_stands_in_the_table(stack: Stack) -> None:
    device = start_device(stack)
    items = str(stack.deployment.dynamodb.call("Scan", {"TableName": stack.settings.table})["Items"])
    code = parse_user_code(device.told["user_code"])
    assert code is not None and code not in items
    assert device.told["user_code"] not in items and device.told["device_code"] not in items


@requirement("DEV-01")
def test_two_requests_never_share_a_live_code(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = stack.client(redirect_uris=(), grant_types=start_device(stack).client.grant_types)
    drawn = iter(["B" * 8, "B" * 8, "C" * 8, "C" * 8, "B" * 8, "C" * 8])
    monkeypatch.setattr("chalicelib.endpoints.device.device_authorization.draw_user_code", lambda random: next(drawn))
    assert [ask(stack, client).told["user_code"] for _ in range(2)] == ["BBBB-BBBB", "CCCC-CCCC"]
    refused = stack.post("/device_authorization", client)
    assert (*refusal(refused), refused.header("retry-after")) == (503, "temporarily_unavailable", "1")


@requirement("DEV-06")
def test_a_client_without_the_grant_type_neither_asks_nor_polls(stack: Stack) -> None:
    device = start_device(stack)
    client, _ = stack.client()
    assert refusal(stack.post("/device_authorization", client)) == (400, "unauthorized_client")
    device.client = client
    assert device.error() == "unauthorized_client"


@requirement("DEV-06", "REG-01")
def test_who_registers_alone_has_the_grant_only_where_a_setting_opens_it(make_stack: Callable[..., Stack]) -> None:
    document = json.dumps({"grant_types": [DEVICE_CODE, "refresh_token"], "client_name": "TV", "redirect_uris": []})
    headers = {"Content-Type": "application/json"}
    closed = make_stack(registration="open")
    refused = request(closed.netloc, "POST", "/register", body=document, headers=headers)
    assert refusal(refused) == (400, "invalid_client_metadata")
    stack = make_stack(registration="open", open_registration_device=True)
    made = request(stack.netloc, "POST", "/register", body=document, headers=headers)
    assert made.status == 201, made.body
    client = read(stack, client_item_key(made.json["client_id"]))
    device = ask(stack, client, made.json.get("client_secret"), scope="openid")
    assert "Not verified" in device.type()[1].body
    device.approve()
    assert device.poll().status == 200


@requirement("DEV-06")
@pytest.mark.parametrize(
    "asked, error",
    [
        ({"scope": "openid demo:notes:write"}, "invalid_scope"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"resource": "https://api.example"}, "invalid_target"),
        ({"provider": "github"}, "invalid_request"),
        ({"scope": "openid  profile"}, "invalid_scope"),
    ],
    ids=str,
)
def test_what_is_asked_is_checked_as_at_authorize(stack: Stack, asked: dict[str, str], error: str) -> None:
    client, _ = stack.client(redirect_uris=(), grant_types=start_device(stack).client.grant_types)
    assert refusal(stack.post("/device_authorization", client, **asked)) == (400, error)


@requirement("DEV-06")
def test_a_device_proves_itself_as_at_the_token_endpoint(stack: Stack) -> None:
    device = start_device(stack, token_endpoint_auth_method="client_secret_basic")
    refused = stack.post("/device_authorization", device.client, "0" * 64)
    assert refusal(refused) == (401, "invalid_client")
    secret, device.secret = device.secret, "0" * 64
    assert refusal(device.poll()) == (401, "invalid_client")
    device.secret = secret
    assert device.error() == "authorization_pending"


@requirement("DEV-06")
def test_the_page_names_client_place_and_time_warns_and_decides_nothing(stack: Stack) -> None:
    device = start_device(stack, client_name="Living Room TV")
    stack.clock.advance(150)
    _, page = device.type()
    for words in ("Living Room TV", device.told["user_code"], "127.0.0.1", "2 minutes ago", "Did someone send"):
        assert words in page.body, words
    assert 'name="decision" value="deny"' in page.body and 'name="decision" value="allow"' in page.body
    assert device.grant().status == "device_pending"


@requirement("DEV-06")
@pytest.mark.parametrize(
    ("asked_from", "says"), [("127.0.0.1", "The network you’re on now"), ("192.0.2.1", "A different network")]
)
def test_the_page_says_whether_the_device_is_where_its_reader_is(stack: Stack, asked_from: str, says: str) -> None:
    device = start_device(stack)
    grant = device.grant()
    assert grant.device is not None
    change(stack, grant_item_key(grant.grant_id), device=structs.replace(grant.device, asked_from=asked_from))
    assert says in device.type()[1].body


@requirement("DEV-06")
def test_nothing_is_begun_by_a_url_or_without_a_provider(stack: Stack) -> None:
    client, _ = stack.client(redirect_uris=(), grant_types=GRANTS)
    with only_written(stack):
        assert refusal(stack.post("/device_authorization?scope=openid", client)) == (400, "invalid_request")
    change(stack, provider_item_key("demo"), marks=Revocation(disabled=True))
    stack.restart()
    with only_written(stack):
        answer = stack.post("/device_authorization", client, scope="openid")
    assert refusal(answer) == (503, "temporarily_unavailable")


@requirement("DEV-06")
def test_a_complete_address_only_fills_the_field(stack: Stack) -> None:
    device, browser = start_device(stack), stack.browser()
    with stack.dynamodb.counted() as calls:
        page = browser.get(device.told["verification_uri_complete"])
    assert sum(calls.values()) == 0
    assert f'value="{device.told["user_code"]}"' in page.body and 'name="decision"' not in page.body
    assert device.grant().status == "device_pending"
    tricked = browser.get("/device?user_code=%3Cscript%3E")
    assert tricked.status == 200 and "script" not in tricked.body


@requirement("DEV-06")
def test_a_first_party_client_and_a_live_session_skip_no_page_of_a_device(stack: Stack) -> None:
    device = start_device(stack, first_party=True)
    browser, _ = device.type()
    device.approve(browser)
    again = ask(stack, device.client)
    _, page = again.type(browser)
    assert 'name="decision" value="allow"' in page.body


@requirement("DEV-05")
def test_where_the_session_suffices_allow_is_enough_and_the_app_is_still_asked_about(stack: Stack) -> None:
    device = start_device(stack)
    browser, _ = device.type()
    device.approve(browser)
    again = ask(stack, device.client)
    before = stack.provider.count("token")
    _, page = again.type(browser)
    done = stack.decide(browser, page, provider="demo")
    assert "You’re signed in on your device" in done.body and stack.provider.count("token") == before
    assert again.poll().status == 200
    assert "This code has expired or was already used" in stack.decide(browser, page, provider="demo").body


@requirement("DEV-07")
def test_cancel_is_one_button_and_the_device_learns_it(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    assert "Nothing was allowed" in cancel(stack, browser, page).body
    assert device.error() == "access_denied"
    assert_page(cancel(stack, browser, page), says="This code has expired or was already used")
    assert connections(stack) == []


@requirement("DEV-07")
def test_a_no_at_the_provider_is_a_no(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    back = with_query(device.allow(browser, page), code=None, error="access_denied")
    assert "Nothing was allowed" in browser.get(back).body
    assert device.error() == "access_denied"


@requirement("DEV-04")
def test_after_a_failure_at_the_provider_the_code_is_typed_again(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    back = with_query(device.allow(browser, page), code=None, error="server_error")
    assert_page(browser.get(back), says="Enter the code again")
    assert device.error() == "authorization_pending"
    assert "You’re signed in on" in device.approve(browser).body
    assert device.poll().status == 200


@requirement("DEV-04")
def test_a_provider_that_is_down_ends_no_device_code_and_the_old_way_back_stays_closed(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    back = device.allow(browser, page)
    stack.provider.faults.status = 503
    assert browser.get(back).status == 502
    stack.provider.faults.reset()
    asked = stack.provider.count("token")
    assert_page(browser.get(back), says="This code has expired or was already used")
    assert stack.provider.count("token") == asked
    assert "You’re signed in on" in device.approve(browser).body


@requirement("DEV-04", "CB-02")
def test_only_the_browser_that_decided_goes_on(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    back = device.allow(browser, page)
    stranger = stack.browser()
    assert_page(stranger.get(back), 403)
    assert_page(stranger.post("/signin", [("request", "x"), ("decision", "allow"), ("provider", "demo")]), 403)
    other, own = device.type(stranger)
    fields = [("request", dict(_fields(page))["request"]), ("provider", "demo"), ("decision", "allow")]
    assert_page(other.post("/signin", fields), 403)
    assert device.error() == "authorization_pending"
    assert own.status == 200 and "You’re signed in on" in browser.get(back).body


@requirement("DEV-04", "DEV-05")
def test_of_two_browsers_with_one_code_the_first_back_decides_who_is_signed_in(stack: Stack) -> None:
    device = start_device(stack)
    one, two = device.type(), device.type()
    back, before = (device.allow(*one, "alice"), device.allow(*two, "bob")), stack.provider.count("token")
    assert "You’re signed in on" in two[0].get(back[1]).body
    assert_page(one[0].get(back[0]), says="This code has expired or was already used")
    assert "You’re signed in on" in two[0].get(back[1]).body
    claims = read_claims(device.poll().json["access_token"])
    (consent,) = stack.deployment.scan("CONSENT#", Consent)
    assert (claims["sub"], claims["client_id"]) == (consent.sub, consent.client_id)
    assert stack.provider.count("token") == before + 1


@requirement("DEV-07")
def test_a_second_redemption_ends_the_grant(stack: Stack) -> None:
    device = start_device(stack)
    device.approve()
    token = device.poll().json["refresh_token"]
    assert device.error() == "invalid_grant"
    assert device.grant().status == "revoked"
    assert refusal(stack.token(device.client, grant_type="refresh_token", refresh_token=token))[1] == "invalid_grant"


@requirement("DEV-05", "DEV-07")
def test_another_client_neither_redeems_nor_ends_nor_slows(stack: Stack) -> None:
    device = start_device(stack)
    other = start_device(stack)
    thief = type(device)(stack, other.client, None, device.told)
    assert [thief.error(), thief.error()] == ["invalid_grant"] * 2
    assert device.error() == "authorization_pending"
    browser, page = device.type()
    browser.get(device.allow(browser, page))
    assert thief.error() == "invalid_grant"
    assert device.poll().status == 200
    assert thief.error() == "invalid_grant"
    assert "revoked" not in {grant.status for grant in grants(stack)}


@requirement("DEV-03")
def test_a_device_that_polls_too_fast_has_to_wait_longer(stack: Stack) -> None:
    device = start_device(stack)
    assert device.error() == "authorization_pending"
    stack.clock.advance(4)
    assert device.error() == "slow_down"
    stack.clock.advance(9)
    assert device.error() == "slow_down"
    stack.clock.advance(15)
    assert [device.error(), device.grant().device.poll_interval] == ["authorization_pending", 15]  # type: ignore[union-attr]


@requirement("DEV-03")
def test_who_polls_too_fast_gets_the_tokens_all_the_same_once_there_are_some(stack: Stack) -> None:
    device = start_device(stack)
    assert device.error() == "authorization_pending"
    device.approve()
    assert device.poll().status == 200


@requirement("DEV-01", "DEV-07")
def test_both_codes_end_after_ten_minutes_and_an_approved_one_after_a_minute(stack: Stack) -> None:
    device = start_device(stack)
    stack.clock.advance(599)
    browser, page = device.type()
    assert device.error() == "authorization_pending" and 'value="allow"' in page.body
    stack.clock.advance(1)
    assert device.error() == "expired_token"
    assert_page(device.type(browser)[1], says="That code doesn’t work")
    assert_page(cancel(stack, browser, page), says="This code has expired or was already used")
    approved = ask(stack, device.client)
    approved.approve()
    stack.clock.advance(60)
    assert approved.error() == "expired_token"


@requirement("DEV-01")
def test_an_older_epoch_and_a_forged_device_code_are_refused(stack: Stack) -> None:
    device = start_device(stack)
    code = device.told["device_code"]
    for wrong in (code[:-1], code.replace("tb_device_", "tb_code_"), "x", code + "A"):
        assert device.error(device_code=wrong) == "invalid_grant"
    assert device.error(device_code=None) == "invalid_request"
    stack.restart(epoch=1)
    assert device.error() == "invalid_grant"
    assert_page(device.type()[1], says="That code doesn’t work")


@requirement("DEV-01")
def test_a_code_of_before_a_new_key_is_still_found(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    device = start_device(stack)
    rotate_key(stack, "user_code")
    stack.restart()
    assert "You’re signed in on" in device.approve().body


@requirement("DEV-05")
def test_what_the_operator_changes_ends_what_a_device_asked(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    change(stack, client_item_key(device.client.client_id), revision=2)
    stack.clock.advance(11)
    assert_page(device.type()[1], says="That code doesn’t work")
    assert_page(stack.decide(browser, page, provider="demo"), says="This sign-in has expired")
    disable_client(stack, device.client)
    stack.clock.advance(11)
    assert_page(device.type()[1], says="That code doesn’t work")
    assert refusal(device.poll()) == (401, "invalid_client")


@requirement("DEV-05", "CB-11")
def test_less_than_was_asked_is_decided_again_and_the_device_still_waits(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    stack.provider.faults.fewer_scopes = frozenset({"notes:read"})
    back = device.allow(browser, page)
    partial = browser.get(back)
    assert "allowed less" in partial.body
    assert device.error() == "authorization_pending"
    asked = stack.provider.count("token")
    assert_page(browser.get(back), says="This code has expired or was already used")
    assert_page(cancel(stack, browser, page), says="This code has expired or was already used")
    assert stack.provider.count("token") == asked
    done = stack.decide(browser, partial, "continue")
    assert "You’re signed in on your device" in done.body, done.body[-900:]
    assert "demo:notes:read" not in device.poll().json["scope"]


@requirement("DEV-05", "CB-11")
def test_after_less_was_given_the_user_may_try_again_or_cancel(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    stack.provider.faults.fewer_scopes = frozenset({"notes:read"})
    partial = browser.get(device.allow(browser, page))
    stack.provider.faults.reset()
    left = stack.decide(browser, partial, "retry")
    assert "You’re signed in on" in browser.get(stack.provider.sign_in(left.location, "alice")).body
    assert "demo:notes:read" in device.poll().json["scope"]
    other = ask(stack, device.client)
    browser, page = other.type()
    stack.provider.faults.fewer_scopes = frozenset({"notes:read"})
    partial = browser.get(other.allow(browser, page, "bob"))
    assert "Nothing was allowed" in stack.decide(browser, partial, "cancel").body
    assert other.error() == "access_denied"


def _fields(page: Answer) -> list[tuple[str, str]]:
    return read_page(page.body).fields
