"""Every route has a limit, and a request over it costs nothing more; a route without one answers from memory."""

import base64
import http.client
from collections.abc import Callable
from typing import get_args

import pytest

from chalicelib.routes.route_limits import HOW, Counted
from local.openapi.routes import read_served
from tests.kit.http.browser import FORM
from tests.kit.http.stack import Stack
from tests.kit.http.surface import ENDPOINTS, Endpoint
from tests.kit.http.tokens import CONFIDENTIAL, start_session
from tests.kit.limits.rate_limits import FLOOD, NEIGHBOUR, to_the_minute
from tests.kit.requirement import requirement

LIMIT = 10
OPEN_API = {
    "open_registration_resources": frozenset({"https://api.example/absent"}),
    "open_registration_scopes": frozenset({"openid", "notes:read"}),
}
FROM_MEMORY = ("/.well-known/", "/jwks", "/openapi.json", "/health")
COUNTED = {served.name: served.route.counted for served in read_served() if served.method != "OPTIONS"}


def routes_of(*kinds: Counted) -> list[Endpoint]:
    """The routes that are counted in one of these ways, each with a request that it can read."""
    return [endpoint for endpoint in ENDPOINTS if COUNTED[endpoint.name.replace("+}", "}")] in kinds]


def ask(stack: Stack, address: str, endpoint: Endpoint, *, method: str = "", **headers: str) -> int:
    """One request from that address, for an app or a link that does not exist: the status."""
    connection = http.client.HTTPConnection(stack.netloc, source_address=(address, 0), timeout=20)
    sent = {"Origin": "https://app.example", "Broker-Bff": "1", **{k.replace("_", "-"): v for k, v in headers.items()}}
    connection.request(method or endpoint.method, endpoint.fill("0" * 32), headers=sent)
    status = connection.getresponse().status
    connection.close()
    return status


def name_of(endpoint: Endpoint) -> str:
    return endpoint.name


@pytest.fixture
def tight(make_stack: Callable[..., Stack]) -> Stack:
    """A few requests a minute, so that each one is added to the table. An open API was never registered."""
    limits = {"requests_per_address": LIMIT, "failed_authentications_per_address": LIMIT}
    stack = make_stack(**limits, requests_per_client=LIMIT, registration="open", **OPEN_API)
    to_the_minute(stack)
    return stack


@requirement("GEN-21")
def test_every_route_names_its_limit_and_every_limit_is_explained_and_used() -> None:
    assert set(HOW) == set(get_args(Counted)) == set(COUNTED.values())
    assert {endpoint.name.replace("+}", "}") for endpoint in ENDPOINTS} == set(COUNTED)
    assert HOW["memory"].startswith("answers from memory: no read, no write")
    unlimited = {name.partition(" ")[2] for name, counted in COUNTED.items() if counted == "memory"}
    free = {path for path in unlimited if not path.startswith(FROM_MEMORY)}
    assert free == {"/", "/{elsewhere}"}, "each of them is a decision"


@requirement("GEN-21", "F28")
@pytest.mark.parametrize("endpoint", routes_of("address", "session"), ids=name_of)
def test_requests_that_anybody_can_send_are_held_to_the_address(tight: Stack, endpoint: Endpoint) -> None:
    assert 429 not in {ask(tight, FLOOD, endpoint) for _ in range(LIMIT)}
    assert ask(tight, FLOOD, endpoint) == 429
    with tight.dynamodb.counted() as calls:
        assert {ask(tight, FLOOD, endpoint) for _ in range(5)} == {429}
    assert not calls, "a request over the limit costs nothing more"
    assert ask(tight, NEIGHBOUR, endpoint) != 429


@requirement("GEN-21")
@pytest.mark.parametrize("endpoint", routes_of("session"), ids=name_of)
@pytest.mark.parametrize("refused", [{"method": "OPTIONS"}, {"Host": "evil.example"}], ids=["preflight", "misdirected"])
def test_a_request_that_needs_a_read_for_cors_alone_is_counted_too(
    tight: Stack, endpoint: Endpoint, refused: dict[str, str]
) -> None:
    expected = 403 if "method" in refused else 421
    assert {ask(tight, FLOOD, endpoint, **refused) for _ in range(LIMIT + 1)} == {expected}
    with tight.dynamodb.counted() as calls:
        assert {ask(tight, FLOOD, endpoint, **refused) for _ in range(5)} == {expected}
    assert not calls
    assert ask(tight, FLOOD, endpoint) == 429


@requirement("GEN-21")
@pytest.mark.parametrize("endpoint", routes_of("token"), ids=name_of)
def test_requests_with_an_access_token_are_held_to_its_grant(tight: Stack, endpoint: Endpoint) -> None:
    """Two users behind one address. An ended token is refused, and from the limit on without a read."""
    mine, theirs = start_session(tight), start_session(tight, who="bob")
    tight.clock.advance(60)
    answers = [ask(tight, FLOOD, endpoint, Authorization=f"Bearer {mine.access}") for _ in range(LIMIT + 1)]
    assert 429 not in answers[:LIMIT] and answers[LIMIT] == 429
    with tight.dynamodb.counted() as calls:
        assert {ask(tight, FLOOD, endpoint, Authorization=f"Bearer {mine.access}") for _ in range(5)} == {429}
    assert not calls
    assert ask(tight, FLOOD, endpoint, Authorization=f"Bearer {theirs.access}") != 429


@requirement("GEN-21")
@pytest.mark.parametrize("endpoint", routes_of("token"), ids=name_of)
def test_requests_with_an_app_s_own_token_are_held_to_the_app(tight: Stack, endpoint: Endpoint) -> None:
    client, secret = tight.client(**{**CONFIDENTIAL, "grant_types": frozenset({"client_credentials"})})
    token = tight.token(client, secret, grant_type="client_credentials").json["access_token"]
    tight.clock.advance(60)
    answers = [ask(tight, FLOOD, endpoint, Authorization=f"Bearer {token}") for _ in range(LIMIT + 1)]
    assert 429 not in answers[:LIMIT] and answers[LIMIT] == 429


@requirement("GEN-21")
@pytest.mark.parametrize("endpoint", routes_of("token"), ids=name_of)
def test_a_token_that_does_not_verify_is_refused_from_memory(tight: Stack, endpoint: Endpoint) -> None:
    ask(tight, FLOOD, endpoint, Authorization="Bearer x")
    with tight.dynamodb.counted() as calls:
        assert {ask(tight, FLOOD, endpoint, Authorization="Bearer x") for _ in range(2 * LIMIT)} == {401}
    assert not calls


@requirement("GEN-21")
@pytest.mark.parametrize("endpoint", routes_of("client"), ids=name_of)
def test_clients_that_prove_nothing_are_held_to_the_address(tight: Stack, endpoint: Endpoint) -> None:
    pair = base64.b64encode(f"{'0' * 32}:wrong".encode()).decode()
    wrong = {"Authorization": f"Basic {pair}", "Content_Type": FORM}
    answers = [ask(tight, FLOOD, endpoint, **wrong) for _ in range(LIMIT + 3)]
    assert 429 not in answers[:LIMIT] and answers[LIMIT:] == [429] * 3
    assert ask(tight, NEIGHBOUR, endpoint, **wrong) != 429


@requirement("GEN-21")
@pytest.mark.parametrize("endpoint", routes_of("client"), ids=name_of)
def test_clients_that_prove_themselves_are_held_to_their_own_limit(tight: Stack, endpoint: Endpoint) -> None:
    client, secret = tight.client(**CONFIDENTIAL)
    pair = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    right = {"Authorization": f"Basic {pair}", "Content_Type": FORM}
    answers = [ask(tight, (FLOOD, NEIGHBOUR)[number % 2], endpoint, **right) for number in range(LIMIT + 3)]
    assert 429 not in answers[:LIMIT] and answers[LIMIT:] == [429] * 3


@requirement("GEN-21", "F28")
@pytest.mark.parametrize("endpoint", routes_of("memory"), ids=name_of)
def test_a_route_without_a_limit_neither_reads_nor_writes(tight: Stack, endpoint: Endpoint) -> None:
    ask(tight, FLOOD, endpoint)
    with tight.dynamodb.counted() as calls:
        assert 429 not in {ask(tight, FLOOD, endpoint) for _ in range(2 * LIMIT)}
    assert not calls
