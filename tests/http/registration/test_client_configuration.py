"""A self-registered client manages itself (RFC 7592): its token is its own, is followed, and lost by no answer."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.protocol.registration import open_policy
from chalicelib.records.item_keys import DEPLOYMENT, client_item_key
from chalicelib.records.revocation import Revocation
from chalicelib.routes.schedule import run_once
from cli.deployment.operations import rotate_client_secret
from tests.kit.faults import Fault, FaultyTransport, Mode
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.surface import raw, read_tables
from tests.kit.http.tokens import change, read, start_session
from tests.kit.registration.initial_token import token_for
from tests.kit.registration.managed_client import PUBLIC, Managed
from tests.kit.requirement import requirement

SECRET = {**PUBLIC, "token_endpoint_auth_method": "client_secret_basic"}
DAY = 86400


@pytest.fixture
def opened(make_stack) -> Stack:
    return make_stack(registration="open", registration_per_address=1000, registration_per_day=1000)


@pytest.fixture
def managed(opened: Stack) -> Managed:
    return Managed(opened, PUBLIC)


@requirement("REG-05")
def test_a_client_reads_itself_and_gets_its_next_token(managed: Managed) -> None:
    made = managed.answer.json
    assert made["registration_client_uri"] == f"{managed.stack.settings.issuer}/register/{managed.client_id}"
    shown = managed.call("GET")
    assert shown.status == 200 and shown.header("cache-control") == "no-store"
    assert shown.header("access-control-allow-origin") == "*"
    assert {**shown.json, "registration_access_token": ""} == {**made, "registration_access_token": ""}
    assert shown.json["registration_access_token"] not in (made["registration_access_token"], "")
    assert managed.client.revision == 1


@requirement("REG-05")
def test_each_token_is_good_until_its_successor_was_used_and_no_longer(managed: Managed) -> None:
    first = managed.token
    for _ in range(3):  # the answer is lost: the same again, however often
        second = managed.call("GET").json["registration_access_token"]
    managed.token = second
    third = managed.take(managed.call("GET")).json["registration_access_token"]
    assert len({first, second, third}) == 3
    assert managed.call("GET", token=first).status == 401
    assert managed.call("GET", token=second).json["registration_access_token"] == third
    managed.take(managed.call("GET"))
    for over in (first, second):
        for method in ("GET", "PUT", "DELETE"):
            refused = managed.call(method, {"client_id": managed.client_id, **PUBLIC}, token=over)
            assert (refused.status, refused.json["error"]) == (401, "invalid_token")
    assert managed.call("GET").status == 200


@requirement("REG-08", "OPS-02")
def test_a_token_of_before_a_restore_manages_nothing(managed: Managed) -> None:
    first = managed.token
    managed.take(managed.call("GET"))
    managed.stack.restart(registration="open", epoch=1)
    for token in (first, managed.token):
        for method in ("GET", "PUT", "DELETE"):
            refused = managed.call(method, {"client_id": managed.client_id, **PUBLIC}, token=token)
            assert (refused.status, refused.json["error"]) == (401, "invalid_token")
    after = Managed(managed.stack, PUBLIC)
    for _ in range(2):
        after.take(after.call("GET"))
    assert after.put(client_name="After").status == 200


@requirement("REG-05", "F03")
def test_a_late_repeat_of_the_last_call_does_not_take_the_new_token_away(managed: Managed) -> None:
    first = managed.token
    managed.take(managed.put(client_name="Second"))
    assert managed.call("GET", token=first).status == 200
    assert managed.call("PUT", {"client_id": managed.client_id, **PUBLIC}, token=first).status == 200
    assert managed.call("GET").status == 200


@requirement("REG-05")
def test_many_at_once_with_one_token_get_one_and_the_same_successor(managed: Managed) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: managed.call("GET"), range(16)))
    assert {answer.status for answer in answers} == {200}
    (following,) = {answer.json["registration_access_token"] for answer in answers}
    assert managed.call("GET", token=following).status == 200


@requirement("REG-05")
def test_of_two_replacements_at_once_none_is_half_done_and_the_owner_goes_on(managed: Managed) -> None:
    names = [f"App {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: managed.put(client_name=name, client_uri=None), names))
    assert {answer.status for answer in answers} <= {200, 503}
    done = [name for name, answer in zip(names, answers, strict=True) if answer.status == 200]
    assert managed.client.client_name in done and managed.client.revision == 1 + len(done)
    managed.take(managed.call("GET"))


@requirement("REG-05")
def test_a_token_is_worth_nothing_at_another_client_and_the_answer_tells_nothing(opened: Stack) -> None:
    mine, other = Managed(opened, PUBLIC), Managed(opened, PUBLIC)
    operators, _ = opened.client()
    refusals = []
    for method in ("GET", "PUT", "DELETE"):
        for client_id in (other.client_id, operators.client_id, "0" * 32, "x", "A" * 32, "%2e%2e", "CLIENT%23x"):
            answer = mine.call(method, {**PUBLIC, "client_id": other.client_id}, client_id=client_id)
            refusals.append((answer.status, answer.json["error"], answer.json["error_description"]))
            assert (answer.challenge or "").startswith("Bearer ")
    assert set(refusals) == {(401, "invalid_token", refusals[0][2])}
    assert mine.call("GET").status == other.call("GET").status == 200
    assert other.client.client_name == "First" and not other.client.marks.disabled


BAD = {
    "no token": "",
    "the hash of it": "0" * 64,
    "an initial access token": "tb_register_" + "A" * 43,
    "a management token that was never made": "tb_manage_" + "A" * 43,
    "half of one": "tb_manage_",
}


@requirement("REG-05")
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_no_management_token_opens_nothing(managed: Managed, bad: str) -> None:
    before = read_tables(managed.stack)
    for method in ("GET", "PUT", "DELETE"):
        answer = managed.call(method, {"client_id": managed.client_id, **PUBLIC}, token=bad)
        assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    query = f"/register/{managed.client_id}?registration_access_token={managed.token}"
    assert raw(managed.stack.netloc, "GET", query).json["error"] == "invalid_request"
    assert read_tables(managed.stack) == before


@requirement("REG-05", "REG-06")
def test_what_can_be_no_token_or_no_client_is_not_looked_up(managed: Managed) -> None:
    ids = ("x", "A" * 32, managed.client_id + "0", "x" * 3000)
    tokens = ("x", managed.token + "x", managed.token[:-1], managed.token.replace("tb_manage_", "tb_register_"))
    wrongs = [*({"client_id": one} for one in ids), *({"token": one} for one in tokens)]
    with managed.stack.dynamodb.counted() as calls:
        assert [managed.call("GET", **wrong).status for wrong in wrongs] == [401] * 8
    assert sum(calls.values()) == 0


@requirement("REG-05", "GEN-18")
def test_neither_the_table_nor_the_log_holds_a_management_token(managed: Managed) -> None:
    tokens = [managed.token]
    tokens += [managed.take(managed.call("GET")).json["registration_access_token"] for _ in range(2)]
    for kept in (str(read_tables(managed.stack)), managed.stack.log.getvalue()):
        assert not [token for token in tokens if token in kept or token.removeprefix("tb_manage_") in kept]


@requirement("REG-05", "CONS-08")
def test_a_replacement_replaces_all_and_voids_old_consents(managed: Managed) -> None:
    other = ["https://app.example/other"]
    changed = managed.take(managed.put(redirect_uris=other, client_uri="https://app.example", scope="openid"))
    assert (changed.json["redirect_uris"], changed.json["scope"]) == (other, "openid")
    assert (managed.client.redirect_uris, managed.client.revision) == (tuple(other), 2)
    managed.document = {"redirect_uris": other}
    plain = managed.take(managed.put()).json  # what is left out has its default again, the name and the secret too
    assert plain["client_name"] == "Unnamed app" and "client_uri" not in plain
    assert plain["token_endpoint_auth_method"] == "client_secret_basic" and plain["client_secret"]
    assert (managed.client.revision, managed.client.created_at) == (3, plain["client_id_issued_at"])
    managed.take(managed.put(client_secret=plain["client_secret"]))
    assert managed.client.revision == 3
    managed.stack.clock.advance(10)
    old = managed.stack.authorize_parameters(managed.client, redirect_uri="https://app.example/cb", scope="openid")
    assert managed.stack.authorize(old).status == 400


@requirement("CONS-08", "REG-05")
def test_a_sign_in_that_was_under_way_when_its_client_changed_is_asked_again(managed: Managed) -> None:
    stack = managed.stack
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(managed.client, scope="openid"), browser)
    managed.take(managed.put(client_name="Bank"))
    stack.clock.advance(10)
    answer = stack.decide(browser, page, provider="demo")
    assert "state=" not in (answer.header("location") or "") and stack.provider.url not in answer.body


FORBIDDEN = {
    "no client_id": {"client_id": None},
    "another's client_id": {"client_id": "0" * 32},
    "a list for client_id": {"client_id": ["0" * 32]},
    "a management token": {"registration_access_token": "x"},
    "its own address": {"registration_client_uri": "https://app.example"},
    "an end of its secret": {"client_secret_expires_at": 0},
    "a time of issue": {"client_id_issued_at": 0},
    "a wrong secret": {"client_secret": "0" * 64},
    "a secret that is a number": {"client_secret": 7},
    "a scope not open to it": {"scope": "admin"},
    "a redirect that is script": {"redirect_uris": ["javascript:x"]},
    "acting for itself": {"grant_types": ["client_credentials"]},
    "two places for keys": {"jwks": {"keys": []}, "jwks_uri": "https://app.example/jwks"},
}


@requirement("REG-05", "REG-02", "REG-04")
@pytest.mark.parametrize("members", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_replacement_is_held_to_what_a_registration_is_held_to(opened: Stack, members: dict[str, Any]) -> None:
    managed = Managed(opened, SECRET)
    before = read_tables(opened)
    answer = managed.put(**members)
    assert (answer.status, answer.json["error"][:8]) == (400, "invalid_")
    assert read_tables(opened) == before
    for document in ([], "x", 7, None):
        assert managed.call("PUT", document).json["error"] == "invalid_client_metadata"


@requirement("REG-04", "REG-05")
def test_a_replacement_gives_itself_no_right(managed: Managed) -> None:
    wished = {"first_party": True, "handout": "token", "registered_by": "operator", "providers": ["x"], "revision": 9}
    wished |= {"policy": {"scopes": ["admin"]}, "expires_at": None, "serves": ["https://api.example"], "marks": {}}
    before = managed.client
    managed.take(managed.put(**wished))
    after = managed.client
    assert (after.first_party, after.handout, after.registered_by, after.policy) == (False, "none", "self", None)
    assert (after.serves, after.expires_at, after.revision) == (frozenset(), before.expires_at, 1)


@requirement("REG-05", "REG-04")
def test_a_client_stays_under_the_policy_that_it_came_with(make_stack) -> None:
    stack = make_stack(registration="token", open_registration_scopes=frozenset({"openid", "orders:read"}))
    policy = open_policy(frozenset({"openid", "profile"}), "proxy")
    managed = Managed(stack, PUBLIC, token_for(stack, policy))
    assert managed.put(scope="orders:read").status == 400
    assert managed.take(managed.put(scope="openid orders:read")).json["scope"] == "openid"
    managed.take(managed.put(scope="openid profile"))
    assert (managed.client.handout, managed.client.policy) == ("proxy", policy)
    stack.restart(registration="closed")  # who is here manages itself, whatever becomes of the door
    managed.take(managed.put(client_name="Later"))


@requirement("REG-05")
def test_secrets_come_and_go_with_the_method_and_the_operators_rotation_stays(opened: Stack) -> None:
    managed = Managed(opened, SECRET)
    secret = managed.answer.json["client_secret"]
    shown = managed.take(managed.call("GET"))
    assert not {"client_secret", "client_secret_expires_at"} & shown.json.keys()
    _, second = rotate_client_secret(opened.deployment, managed.client_id, overlap_seconds=600)
    kept = managed.client.secrets
    told = managed.take(managed.put(client_secret=second, client_name="Second"))
    assert told.json["client_secret"] == second and managed.client.secrets == kept
    managed.take(managed.put(client_secret=secret))  # the old one, while it lives
    public = managed.take(managed.put(token_endpoint_auth_method="none", client_secret=second))
    assert "client_secret" not in public.json and managed.client.secrets == ()
    again = managed.take(managed.put())
    opened.clock.advance(10)
    assert again.json["client_secret"] not in (secret, second) and again.json["client_secret_expires_at"] == 0
    sign_in = opened.sign_in(managed.client, again.json["client_secret"], scope="openid")
    assert opened.redeem(sign_in).status == 200


@requirement("REG-05", "F03")
def test_the_secret_in_a_lost_answer_is_told_again_until_the_owner_goes_on(managed: Managed) -> None:
    lost = managed.put(token_endpoint_auth_method="client_secret_post").json
    again = managed.put(token_endpoint_auth_method="client_secret_post").json
    read_instead = managed.call("GET").json
    assert lost["client_secret"] == again["client_secret"] == read_instead["client_secret"]
    assert managed.client.revision == 2
    managed.token = lost["registration_access_token"]
    assert "client_secret" not in managed.take(managed.call("GET")).json
    sign_in = managed.stack.sign_in(managed.client, lost["client_secret"], scope="openid")
    assert managed.stack.redeem(sign_in).status == 200


@requirement("REG-05", "INT-02")
def test_a_client_that_ends_itself_ends_all_that_it_may_do(make_stack) -> None:
    scopes = frozenset(SCOPE.split())
    stack = make_stack(registration="open", open_registration_handout="token", open_registration_scopes=scopes)
    managed = Managed(stack, {**PUBLIC, "scope": SCOPE})
    session = start_session(stack, client=(managed.client, None))
    assert session.exchange().status == 200 and session.userinfo().status == 200
    ended = managed.call("DELETE")
    assert (ended.status, ended.body, ended.header("cache-control")) == (204, "", "no-store")
    assert session.userinfo().status == 401 and session.exchange().status in (400, 401)
    stack.clock.advance(10)
    assert session.refresh().status in (400, 401)
    assert stack.authorize(stack.authorize_parameters(managed.client)).status == 400
    assert managed.call("DELETE").status == 204  # who has not heard of it asks again
    for method in ("GET", "PUT"):
        assert managed.call(method, {"client_id": managed.client_id, **PUBLIC}).status == 401
    place = session.connection_place()
    assert read(stack, place).status == "active"
    run_once(stack.broker)
    assert read(stack, place).status == "revoked"


@requirement("REG-05", "TOK-02")
def test_a_client_that_ended_itself_keeps_no_secret(opened: Stack) -> None:
    managed = Managed(opened, SECRET)
    assert managed.client.secrets and managed.call("DELETE").status == 204
    assert managed.client.secrets == () and managed.client.deleted_at == opened.clock.now()


def while_it_writes(managed: Managed, **fields: Any) -> None:
    """The operator changes the client between the next read and the write that follows."""
    stack = managed.stack

    def act() -> None:
        change(stack, client_item_key(managed.client_id), **fields)

    faulty = FaultyTransport(stack.dynamodb, Fault(mode="D", operation="UpdateItem"), on_delay=act)
    stack.broker.store._transport = faulty  # type: ignore[attr-defined]


@requirement("REG-05", "F03")
@pytest.mark.parametrize(("method", "then"), [("GET", 200), ("DELETE", 204)])
def test_what_was_changed_meanwhile_is_tried_again_and_the_token_stays_good(
    managed: Managed, method: str, then: int
) -> None:
    while_it_writes(managed, revision=7, client_name="Other")
    refused = managed.call(method)
    assert (refused.status, refused.json["error"]) == (503, "temporarily_unavailable")
    assert managed.call(method).status == then
    assert (managed.client.deleted_at is not None) == (method == "DELETE")


@requirement("REG-05", "OPS-01")
def test_a_client_that_is_stopped_while_it_reads_itself_reads_nothing(managed: Managed) -> None:
    while_it_writes(managed, marks=Revocation(disabled=True))
    assert managed.call("GET").status == 503
    assert managed.call("GET").status == 401


@requirement("REG-05", "OPS-02")
def test_a_client_that_is_over_or_stopped_manages_nothing(managed: Managed) -> None:
    stack = managed.stack
    change(stack, client_item_key(managed.client_id), marks=Revocation(disabled=True))
    assert managed.call("GET").status == managed.put().status == 401
    change(stack, client_item_key(managed.client_id), marks=Revocation())
    change(stack, DEPLOYMENT, marks=Revocation(disabled=True))
    assert managed.call("GET").status == managed.call("DELETE").status == 503
    change(stack, DEPLOYMENT, marks=Revocation())
    assert managed.call("GET").status == 200
    stack.clock.advance(90 * DAY)
    assert managed.call("GET").status == 401


FAULTS: list[tuple[Mode, int]] = [(mode, times) for mode in ("A", "B", "T") for times in (1, 3)]


@requirement("REG-05", "F03", "GEN-13")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem"])
@pytest.mark.parametrize(("mode", "times"), FAULTS)
def test_whatever_the_table_loses_the_owner_is_not_locked_out(
    managed: Managed, method: str, operation: str, mode: Mode, times: int
) -> None:
    document = {"client_id": managed.client_id, **PUBLIC, "client_name": "Second"}
    faulty = FaultyTransport(managed.stack.dynamodb, Fault(mode=mode, operation=operation, times=times))
    managed.stack.broker.store._transport = faulty  # type: ignore[attr-defined]
    good = 204 if method == "DELETE" else 200
    assert managed.call(method, document).status == (good if times == 1 else 503)
    again = managed.call(method, document)  # the owner has only the token of before
    assert again.status == good
    if method != "DELETE":
        assert managed.client.revision == (2 if method == "PUT" else 1)
        managed.take(again)
        managed.take(managed.call("GET"))
    else:
        assert managed.client.deleted_at is not None
