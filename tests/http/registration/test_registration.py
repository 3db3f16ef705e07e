"""Registration over HTTP: closed unless opened, then limited, and no document gives what the operator did not allow."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from chalicelib.records.client import Client
from tests.data import Line, read_corpus
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON, raw, read_tables
from tests.kit.registration.corpus_body import body_of
from tests.kit.registration.registered_client import app_of, stored
from tests.kit.requirement import requirement

CORPUS = read_corpus("registration.toml")
REFUSED = [line for line in CORPUS if line.section not in ("invalid_request", "ignored")]
UNREADABLE = [line for line in CORPUS if line.section == "invalid_request"]
IGNORED = [line for line in CORPUS if line.section == "ignored"]
GOOD = {"redirect_uris": ["https://app.example/cb"]}
DAY = 86400


@pytest.fixture
def opened(make_stack) -> Stack:
    return make_stack(registration="open", registration_per_address=1000, registration_per_day=1000)


def register(stack: Stack, document: Any, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return raw(stack.netloc, "POST", "/register", [("Content-Type", JSON), *headers.items()], body)


@requirement("REG-01", "OPS-01")
@pytest.mark.parametrize("token", ["", "Bearer x", "Bearer tb_refresh_x", "Basic YWRtaW46YWRtaW4=", "Bearer null"])
def test_it_is_closed_by_default_whoever_asks(stack: Stack, token: str) -> None:
    before = read_tables(stack, without=())
    headers = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Admin": "1", "X-Amz-Security-Token": "x"}
    answer = register(stack, GOOD, **({"Authorization": token} if token else {}), **headers)
    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    assert (answer.challenge or "").startswith("Bearer ")
    assert read_tables(stack, without=()) == before


@requirement("REG-01", "REG-06", "GEN-11")
def test_an_open_registration_gives_a_client_that_signs_in_and_is_asked_about(opened: Stack) -> None:
    for method in ("none", "client_secret_basic", "client_secret_post"):
        answer = register(opened, GOOD | {"token_endpoint_auth_method": method, "client_name": "Self Made"})
        assert answer.status == 201 and answer.header("cache-control") == "no-store"
        client, secret = app_of(opened, answer)
        assert re.fullmatch("[0-9a-f]{32}", client.client_id)
        assert (client.registered_by, client.handout, client.first_party) == ("self", "none", False)
        assert (secret is None) == (method == "none")
        if secret:
            assert re.fullmatch("[0-9a-f]{64}", secret) and answer.json["client_secret_expires_at"] == 0
            assert secret not in str(read_tables(opened))
        for _ in range(2):  # also the second time the page asks: consent is never skipped
            sign_in = opened.sign_in(client, secret, scope="openid profile")
            assert opened.redeem(sign_in).status == 200
        assert "not verified" in opened.authorize(opened.authorize_parameters(client, scope="openid")).body.lower()


@requirement("REG-02", "REG-03", "REG-04")
@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line.says)
def test_a_document_that_tries_something_is_refused(shared: Stack, line: Line) -> None:
    before = len(shared.dynamodb.calls)
    answer = register(shared, _on_top(line.trick["sent"]))
    assert (answer.status, answer.json["error"]) == (400, line.section), answer.body
    assert set(answer.json) == {"error", "error_description", "error_id"}
    if line.section == "invalid_client_metadata":
        assert any(name in answer.json["error_description"] for name in json.loads(line.trick["sent"]))
    assert len(shared.dynamodb.calls) == before


@requirement("REG-02", "REG-05")
@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line.says)
def test_a_client_cannot_become_what_cannot_be_registered(shared: Stack, owned: Answer, line: Line) -> None:
    """Always with the first token: what is refused uses nothing up."""
    client_id, token = owned.json["client_id"], owned.json["registration_access_token"]
    sent = [("Content-Type", JSON), ("Authorization", f"Bearer {token}")]
    document = _on_top(line.trick["sent"])[:-1] + f', "client_id": "{client_id}"}}'.encode()
    answer = raw(shared.netloc, "PUT", f"/register/{client_id}", sent, document)
    assert (answer.status, answer.json["error"]) == (400, line.section), answer.body
    assert stored(shared, client_id).revision == 1


@requirement("GEN-03", "REG-02")
@pytest.mark.parametrize("line", UNREADABLE, ids=lambda line: line.says)
def test_what_is_no_document_or_reads_in_two_ways_is_refused(shared: Stack, owned: Answer, line: Line) -> None:
    client_id, token = owned.json["client_id"], owned.json["registration_access_token"]
    before = read_tables(shared)
    for method, path in (("POST", "/register"), ("PUT", f"/register/{client_id}")):
        sent = [("Content-Type", JSON), *([("Authorization", f"Bearer {token}")] if method == "PUT" else [])]
        answer = raw(shared.netloc, method, path, sent, body_of(line))
        assert (answer.status, answer.json["error"]) == (400, "invalid_request"), answer.body
    assert read_tables(shared) == before


@pytest.fixture(scope="module")
def owned(shared: Stack) -> Answer:
    """The registration of a client that changes itself."""
    return register(shared, GOOD)


@pytest.fixture(scope="module")
def shared(parts) -> Stack:
    """One broker for the whole corpus."""
    return Stack(parts, registration="open", registration_per_address=1000, registration_per_day=1000)


@pytest.fixture(autouse=True)
def current(request: pytest.FixtureRequest, parts) -> None:
    """The broker of the module answers where a test asks for it."""
    if "shared" in request.fixturenames:
        parts.current = request.getfixturevalue("shared")


def _on_top(document: str) -> bytes:
    """The text itself is sent, so that its escapes arrive as they stand."""
    members = json.loads(document)
    assert isinstance(members, dict)
    rest = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in GOOD.items() if name not in members)
    return (document.rstrip()[:-1] + rest + "}").encode()


@requirement("REG-04", "REG-03", "OPS-01")
@pytest.mark.parametrize("line", IGNORED, ids=lambda line: line.says)
def test_a_document_gives_itself_no_right(shared: Stack, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = stored(shared, register(shared, GOOD).json["client_id"])
    looked_up: list[object] = []
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: looked_up.append(args) or resolve(*args, **more))
    answer = register(shared, _on_top(line.trick["sent"]))
    assert answer.status == 201
    assert all(str(place[0]).startswith("127.") for place in looked_up), looked_up  # type: ignore[index]
    client = stored(shared, answer.json["client_id"])
    one = {"client_id": "", "secrets": (), "created_at": 0, "expires_at": 0, "management": None}
    assert msgspec.structs.replace(client, **one) == msgspec.structs.replace(plain, **one)
    assert client.client_id != "0" * 32 and not client.client_id.startswith("http")
    assert "0" * 64 not in answer.body


LIMITS = {
    "per address": {"registration_per_address": 5},
    "per day": {"registration_per_day": 5},
    "in all": {"registration_total": 5},
}


@requirement("REG-01", "GEN-21")
@pytest.mark.parametrize(("name", "limits"), LIMITS.items(), ids=LIMITS)
def test_the_limits_hold_under_parallel_calls(make_stack, name: str, limits: dict[str, int]) -> None:
    free = {"registration_per_address": 1000, "registration_per_day": 1000, "registration_total": 1000}
    stack = make_stack(registration="open", **{**free, **limits})

    def send(number: int) -> Answer:
        address = f"203.0.113.{number}"
        return register(stack, GOOD, **{"X-Forwarded-For": address, "Forwarded": f"for={address}"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(24)))
    assert sorted(answer.status for answer in answers) == [201] * 5 + [429] * 19
    assert all(int(answer.header("retry-after") or 0) > 0 for answer in answers if answer.status == 429)
    assert len(stack.deployment.scan("CLIENT#", Client)) == 5
    window = {"per address": 3600, "per day": DAY, "in all": 90 * DAY}[name]
    stack.clock.advance(window - 1 - stack.clock.now() % window)
    assert register(stack, GOOD).status == 429
    stack.clock.advance(1)
    assert register(stack, GOOD).status == 201


@requirement("REG-01")
def test_a_refused_document_uses_up_nothing(make_stack) -> None:
    stack = make_stack(registration="open", registration_per_address=1)
    for _ in range(3):
        assert register(stack, {"redirect_uris": ["javascript:x"]}).status == 400
    assert register(stack, GOOD).status == 201


@requirement("REG-01", "TOK-07", "GEN-14")
def test_an_unused_client_ends_after_90_days_and_a_used_one_stays(
    opened: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.provider.grants, "clock", opened.clock.now)
    public = GOOD | {"token_endpoint_auth_method": "none"}
    unused, _ = app_of(opened, register(opened, public))
    used, _ = app_of(opened, register(opened, public))
    opened.clock.advance(60 * DAY)
    assert opened.redeem(opened.sign_in(used, scope="openid")).status == 200
    opened.clock.advance(30 * DAY - 1)
    assert opened.authorize(opened.authorize_parameters(unused, scope="openid")).status == 200
    opened.clock.advance(1)
    page = opened.authorize(opened.authorize_parameters(unused, scope="openid"))
    assert page.status == 400 and page.header("location") is None
    assert opened.post("/revoke", unused, token="x").json["error"] == "invalid_client"
    assert opened.redeem(opened.sign_in(used, scope="openid")).status == 200
    opened.clock.advance(60 * DAY - 1)  # the first use moved the end, the second came too early to write again
    assert opened.authorize(opened.authorize_parameters(used, scope="openid")).status == 200
    opened.clock.advance(1)
    assert opened.authorize(opened.authorize_parameters(used, scope="openid")).status == 400


@requirement("REG-06", "AUTHZ-01")
@pytest.mark.parametrize(
    "client_id",
    [
        *("https://app.example/client.json", "HTTPS://app.example/", "http://127.0.0.1/", "CLIENT#x", "A" * 32),
        *("a" * 31,),
        *("a" * 33, "a" * 31 + "g", "0" * 31 + "\u0660", "../x", "*", "' OR 1=1", "a" * 32 + "#", "GRANT#" + "a" * 26),
    ],
)
def test_an_id_that_we_never_made_is_never_looked_up(opened: Stack, client_id: str) -> None:
    client, _ = opened.client()
    with opened.dynamodb.counted() as calls:
        page = opened.authorize(opened.authorize_parameters(client, client_id=client_id))
        answer = opened.post("/token", msgspec.structs.replace(client, client_id=client_id), grant_type="x")
    assert page.status == 400 and page.header("location") is None
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    assert "PutItem" not in calls
    assert not [payload for operation, payload in opened.dynamodb.calls if client_id in str(payload)]
