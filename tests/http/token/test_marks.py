"""Marks and narrower consent bite at the next request that reaches us: refresh, introspection, userinfo, hand-out."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import Transport
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    connection_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.resource import Resource
from chalicelib.records.revocation import Revocation
from cli.deployment.operations import (
    Deployment,
    OperationError,
    create_resource,
    delete_client,
    rotate_client_secret,
)
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import (
    CONFIDENTIAL,
    Session,
    change,
    disable_client,
    mark,
    read_claims,
    refusal,
    sign,
    start_session,
)
from tests.kit.requirement import requirement

PLACES: dict[str, Callable[[Session], ItemKey[Any]]] = {
    "deployment": lambda session: DEPLOYMENT,
    "client": lambda session: client_item_key(session.client.client_id),
    "provider": lambda session: provider_item_key("demo"),
    "subject": lambda session: subject_item_key(session.claims["sub"]),
    "consent": lambda session: session.consent_place(),
}
INACTIVE = {"active": False}


@pytest.fixture
def session(stack: Stack) -> Session:
    """A signed-in client."""
    return start_session(stack)


@pytest.fixture
def asker(stack: Stack) -> Any:
    """A resource server for our own audience."""
    return stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))


@requirement("INT-02", "OPS-02", "XCH-04")
@pytest.mark.parametrize("disabled", [False, True], ids=["not_before", "disabled"])
@pytest.mark.parametrize("name", PLACES)
def test_a_mark_ends_every_use_at_once_and_the_grant_at_its_next_refresh(
    stack: Stack, session: Session, asker: Any, name: str, disabled: bool
) -> None:
    assert stack.post("/introspect", *asker, token=session.access).json["active"]
    mark(stack, PLACES[name](session), disabled=disabled)
    assert stack.post("/introspect", *asker, token=session.access).json == INACTIVE
    assert refusal(session.userinfo()) == (401, "invalid_token")
    assert refusal(session.exchange()) == (400, "invalid_request")
    assert session.grant().status == "active"
    assert session.refresh().status in (400, 401)
    assert session.grant().status == "revoked"


@requirement("INT-02", "OPS-02")
@pytest.mark.parametrize("name", PLACES)
def test_a_repeat_inside_the_grace_meets_the_mark_too(stack: Stack, session: Session, name: str) -> None:
    second = session.refresh().json["refresh_token"]
    mark(stack, PLACES[name](session))
    assert session.refresh().status == 400
    assert session.grant().status == "revoked" and session.refresh(second).status == 400


@requirement("INT-02", "OPS-02")
@pytest.mark.parametrize("name", PLACES)
def test_a_mark_ends_what_was_decided_before_it_and_nothing_after(stack: Stack, session: Session, name: str) -> None:
    place = PLACES[name](session)
    decided = session.grant().decided_at
    change(stack, place, marks=Revocation(not_before=decided))
    assert session.userinfo().status == 200 and session.refresh().status == 200
    change(stack, place, marks=Revocation(not_before=decided + 1))
    assert session.userinfo().status == 401 and session.refresh().status == 400


@requirement("INT-02")
@pytest.mark.parametrize("name", ["client", "provider", "subject", "consent"])
def test_a_record_that_is_gone_ends_the_grant(stack: Stack, session: Session, asker: Any, name: str) -> None:
    assert stack.deployment.delete(PLACES[name](session))
    assert stack.post("/introspect", *asker, token=session.access).json == INACTIVE
    assert session.userinfo().status == 401 and session.exchange().status in (400, 401)
    assert session.refresh().status in (400, 401)
    assert session.grant().status == "revoked"


@requirement("INT-02", "TOK-07")
def test_a_deleted_clients_tokens_are_dead_at_once(stack: Stack, session: Session, asker: Any) -> None:
    delete_client(stack.deployment, session.client.client_id)
    assert stack.post("/introspect", *asker, token=session.access).json == INACTIVE
    assert session.userinfo().status == 401


@requirement("OPS-02", "INT-02")
def test_a_mark_on_a_client_voids_tokens_that_it_has_for_itself(stack: Stack, asker: Any) -> None:
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    token = stack.token(client, secret, grant_type="client_credentials").json["access_token"]
    assert stack.post("/introspect", *asker, token=token).json["active"]
    mark(stack, client_item_key(client.client_id))
    assert stack.post("/introspect", *asker, token=token).json == INACTIVE
    stack.clock.advance(10)
    fresh = stack.token(client, secret, grant_type="client_credentials").json["access_token"]
    assert stack.post("/introspect", *asker, token=fresh).json["active"]
    mark(stack, DEPLOYMENT)
    assert stack.post("/introspect", *asker, token=fresh).json == INACTIVE


@requirement("REV-01", "INT-02")
def test_a_client_revokes_the_token_that_it_has_for_itself(stack: Stack, asker: Any) -> None:
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    token = stack.token(client, secret, grant_type="client_credentials").json["access_token"]
    stack.post("/revoke", client, secret, token=token)
    assert stack.post("/introspect", *asker, token=token).json == INACTIVE


@requirement("REF-01", "VLT-10", "INT-02")
def test_consent_that_was_narrowed_afterwards_narrows_everything(stack: Stack, session: Session, asker: Any) -> None:
    less = frozenset({"openid", "offline_access", "email"})
    change(stack, session.consent_place(), scopes=less)
    assert stack.post("/introspect", *asker, token=session.access).json["scope"] == "email offline_access openid"
    assert "name" not in session.userinfo().json and "email" in session.userinfo().json
    assert refusal(session.exchange()) == (400, "invalid_target")
    fresh = session.refresh().json
    assert fresh["scope"] == "email offline_access openid"
    assert set(read_claims(fresh["access_token"])["scope"].split()) == less
    again = session.refresh(fresh["refresh_token"], scope="openid profile").json
    assert again["scope"] == "openid"


@requirement("INT-02", "VLT-12")
def test_a_token_for_a_resource_meets_marks_and_narrower_consent_too(stack: Stack) -> None:
    api = "https://api.example"
    create_resource(stack.deployment, Resource(audience=api, scopes=frozenset({"orders:read", "orders:write"})))
    scope = "openid orders:read orders:write demo:notes:read"
    client, _ = stack.client(resources=frozenset({api}), scopes=frozenset(scope.split()))
    server = stack.client(**CONFIDENTIAL, serves=frozenset({api}))
    sign_in = stack.sign_in(client, scope=scope, resource=api)
    token = stack.redeem(sign_in).json["access_token"]
    assert stack.post("/introspect", *server, token=token).json["scope"] == "orders:read orders:write"
    claims = read_claims(token)
    session = Session(stack, sign_in, {"access_token": token})
    change(stack, session.consent_place(), scopes=frozenset({"openid", "orders:read"}))
    assert stack.post("/introspect", *server, token=token).json["scope"] == "orders:read"
    mark(stack, subject_item_key(claims["sub"]))
    assert stack.post("/introspect", *server, token=token).json == INACTIVE


@requirement("XCH-04", "VLT-01")
def test_a_connection_older_than_its_providers_mark_is_not_handed_out(stack: Stack, session: Session) -> None:
    """The login may be newer than the connection: the mark is compared with each of them."""
    assert session.exchange().status == 200
    place = connection_item_key(session.claims["connections"]["demo"])
    change(stack, place, connected_at=session.grant().decided_at - 100)
    change(stack, provider_item_key("demo"), marks=Revocation(not_before=session.grant().decided_at - 50))
    assert session.userinfo().status == 200
    answer = session.exchange()
    assert refusal(answer) == (400, "invalid_target") and answer.json["reason"] == "not_connected"


@requirement("INT-03", "INT-02")
def test_a_token_whose_grant_is_anothers_opens_nothing(stack: Stack, session: Session) -> None:
    bob = start_session(stack, who="bob", client=(session.client, None))
    other = start_session(stack)
    for grant_id in (bob.claims["grant_id"], other.claims["grant_id"]):
        token = sign(stack, {**session.claims, "grant_id": grant_id})
        assert stack.userinfo(token).status == 401 and session.exchange(token).status == 400


@requirement("OPS-02", "XCH-04")
@pytest.mark.parametrize("disabled", [False, True], ids=["not_before", "disabled"])
def test_registering_at_a_provider_anew_revives_nothing_that_its_mark_has_ended(
    stack: Stack, session: Session, disabled: bool
) -> None:
    mark(stack, provider_item_key("demo"), disabled=disabled)
    stack.register_provider()
    assert refusal(session.userinfo()) == (401, "invalid_token")
    assert refusal(session.exchange()) == (400, "invalid_request")


@requirement("XCH-01", "REF-01")
def test_a_registration_that_was_narrowed_afterwards_narrows_everything(
    stack: Stack, session: Session, asker: Any
) -> None:
    change(stack, client_item_key(session.client.client_id), scopes=frozenset({"openid", "offline_access"}))
    assert stack.post("/introspect", *asker, token=session.access).json["scope"] == "offline_access openid"
    assert session.userinfo().json.keys() == {"sub"}
    assert session.exchange().json["reason"] == "not_connected"
    assert session.refresh().json["scope"] == "offline_access openid"


@requirement("XCH-01")
def test_a_provider_taken_from_the_registration_is_handed_out_no_more(stack: Stack, session: Session) -> None:
    assert session.exchange().status == 200
    change(stack, client_item_key(session.client.client_id), providers=frozenset({"github"}))
    assert refusal(session.exchange()) == (400, "invalid_target")


class Meanwhile:
    """A transport on which something else happens between the operator's read of a client and the write."""

    def __init__(self, inner: Transport, act: Callable[[], object]) -> None:
        self._inner, self._act = inner, act

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._inner.call(operation, payload)
        if operation == "BatchGetItem" and "CLIENT#" in repr(payload):
            self._act()
        return answer


def meanwhile(stack: Stack, act: Callable[[], object]) -> Deployment:
    """The operator's command while that happens."""
    operator = stack.deployment
    return Deployment(stack.settings, dynamodb=Meanwhile(operator.dynamodb, act), kms=operator.kms)


@requirement("OPS-02", "TOK-04")
def test_a_rotated_secret_leaves_a_switch_that_is_thrown_meanwhile(stack: Stack) -> None:
    client, _ = stack.client(**CONFIDENTIAL)
    operator = meanwhile(stack, lambda: disable_client(stack, client))
    changed, secret = rotate_client_secret(operator, client.client_id, overlap_seconds=100)
    assert changed.marks.disabled and len(changed.secrets) == 2
    assert refusal(stack.token(changed, secret, grant_type="refresh_token")) == (401, "invalid_client")


@requirement("TOK-04")
def test_of_two_rotations_at_one_moment_one_is_told_so(stack: Stack) -> None:
    client, _ = stack.client(**CONFIDENTIAL)

    def rotate_first() -> None:
        rotate_client_secret(stack.deployment, client.client_id, overlap_seconds=0)

    with pytest.raises(OperationError):
        rotate_client_secret(meanwhile(stack, rotate_first), client.client_id, overlap_seconds=0)
