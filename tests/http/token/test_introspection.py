"""Introspection and userinfo: what is a live access token for the asker, and that nothing else passes as one."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.client import Client
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.browser import FORM, Answer, request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, count_calls, refusal, sign, start_session
from tests.kit.requirement import requirement

API = "https://api.example"
INACTIVE = {"active": False}
Asker = tuple[Client, str | None]


@pytest.fixture
def session(stack: Stack) -> Session:
    """A signed-in public client whose token is for our issuer."""
    return start_session(stack)


@pytest.fixture
def asker(stack: Stack) -> Asker:
    """A resource server that serves our issuer's audience."""
    return stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))


def introspect(stack: Stack, asker: Asker, token: str) -> Any:
    answer = stack.post("/introspect", *asker, token=token)
    assert answer.status == 200, answer.body
    return answer.json


@requirement("INT-01")
def test_a_live_token_is_described_to_the_one_that_serves_its_audience(
    stack: Stack, session: Session, asker: Asker
) -> None:
    said = introspect(stack, asker, session.access)
    wanted = {name: session.claims[name] for name in ("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope")}
    assert said["active"] is True and wanted.items() <= said.items()
    assert not {"connections", "grant_id", "provider", "epoch"} & said.keys()


@requirement("INT-01")
def test_each_resource_server_sees_tokens_for_its_own_audience_alone(
    stack: Stack, session: Session, asker: Asker
) -> None:
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"orders:read"})))
    served = [stack.client(**CONFIDENTIAL, serves=frozenset(uris)) for uris in ((), (API,), (API + "/",))]
    fields = {"resources": frozenset({API}), "scopes": frozenset({"openid", "orders:read", "demo:notes:read"})}
    sign_in = stack.sign_in(stack.client(**fields)[0], scope="openid orders:read demo:notes:read", resource=API)
    token = stack.redeem(sign_in).json["access_token"]
    for other in served:
        assert introspect(stack, other, session.access) == INACTIVE
    assert introspect(stack, asker, token) == INACTIVE and introspect(stack, served[0], token) == INACTIVE
    assert introspect(stack, served[2], token) == INACTIVE
    said = introspect(stack, served[1], token)
    assert said["active"] and said["scope"] == "orders:read" and said["aud"] == API


@requirement("INT-05")
def test_a_confidential_client_learns_of_its_own_tokens_alone(stack: Stack, session: Session) -> None:
    mine, theirs = stack.client(**CONFIDENTIAL), stack.client(**CONFIDENTIAL)
    token = stack.redeem(stack.sign_in(*mine)).json["access_token"]
    said = introspect(stack, mine, token)
    assert (said["active"], said["client_id"]) == (True, mine[0].client_id)
    assert introspect(stack, theirs, token) == INACTIVE
    assert introspect(stack, mine, session.access) == INACTIVE
    stack.post("/revoke", *mine, token=token)
    assert introspect(stack, mine, token) == INACTIVE


@requirement("INT-01")
def test_only_an_authenticated_confidential_client_may_ask(stack: Stack, session: Session, asker: Asker) -> None:
    public, _ = stack.client(serves=frozenset({stack.settings.issuer}))
    assert refusal(stack.post("/introspect", public, token=session.access)) == (401, "invalid_client")
    assert refusal(stack.post("/introspect", asker[0], "0" * 64, token=session.access)) == (401, "invalid_client")
    bare = request(stack.netloc, "POST", "/introspect", body=f"token={session.access}", headers={"Content-Type": FORM})
    assert refusal(bare) == (401, "invalid_client")
    bearer = {"Content-Type": FORM, "Authorization": f"Bearer {session.access}"}
    body = f"token={session.access}&client_id={asker[0].client_id}"
    assert request(stack.netloc, "POST", "/introspect", body=body, headers=bearer).status == 401


@requirement("INT-03", "VLT-03")
@pytest.mark.parametrize("name", ["code", "refresh", "id_token", "session", "pending", "provider", "state", "secret"])
def test_no_other_credential_passes_as_an_access_token(stack: Stack, session: Session, asker: Asker, name: str) -> None:
    credential = gather(stack, session)[name]
    before = count_calls(stack)
    assert introspect(stack, asker, credential) == INACTIVE
    assert refusal(stack.userinfo(credential)) == (401, "invalid_token")
    assert refusal(session.exchange(credential)) == (400, "invalid_request")
    assert not any(operation == "BatchGetItem" for operation, _ in stack.dynamodb.calls[before + 1 :])


def gather(stack: Stack, session: Session) -> dict[str, str]:
    """Every kind of credential of ours, and the provider's."""
    travelling = stack.to_callback(session.client)
    cookies = {**session.sign_in.browser.cookies, **travelling.browser.cookies}
    return {
        "code": stack.sign_in(session.client).code,
        "refresh": session.refresh_token,
        "id_token": session.tokens["id_token"],
        "session": cookies["tb_session"],
        "pending": next(value for name, value in cookies.items() if name.startswith("tb_pending_")),
        "provider": session.exchange().json["access_token"],
        "state": travelling.callback.partition("state=")[2].partition("&")[0],
        "secret": session.sign_in.nonce,
    }


@requirement("INT-03")
@pytest.mark.parametrize(
    "place",
    [
        lambda stack, session, token: stack.refresh(session.sign_in, token),
        lambda stack, session, token: stack.redeem(session.sign_in, code=token),
        lambda stack, session, token: stack.exchange(session.sign_in, token),
    ],
    ids=["refresh_token", "code", "subject_token"],
)
def test_no_credential_passes_in_anothers_place_at_the_token_endpoint(
    stack: Stack, session: Session, place: Callable[[Stack, Session, str], Answer]
) -> None:
    for name, credential in gather(stack, session).items():
        own = {"refresh": "refresh_token", "code": "code"}.get(name)
        answer = place(stack, session, credential)
        if answer.status == 200:
            assert own == "refresh_token" and "refresh_token" in answer.json
        else:
            assert answer.status == 400, (name, answer.body)


@requirement("INT-03", "VLT-12")
def test_a_token_for_a_resource_opens_nothing_of_ours(stack: Stack, session: Session) -> None:
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"orders:read"})))
    scope = "openid profile orders:read demo:notes:read"
    client, _ = stack.client(resources=frozenset({API}), scopes=frozenset(scope.split()))
    sign_in = stack.sign_in(client, scope=scope, resource=API)
    token = stack.redeem(sign_in).json["access_token"]
    assert refusal(stack.userinfo(token)) == (401, "invalid_token")
    assert refusal(stack.exchange(sign_in, token)) == (400, "invalid_request")


@requirement("INT-03", "XCH-02")
@pytest.mark.parametrize(
    ("claims", "typ"),
    [
        ({}, "JWT"), ({}, "at+JWT"), ({"iss": "https://other.example"}, "at+jwt"), ({"aud": "https://x.app"}, "at+jwt"),
        ({"exp": 1}, "at+jwt"), ({"epoch": 1}, "at+jwt"), ({"jti": ""}, "at+jwt"), ({"sub": "0" * 32}, "at+jwt"),
        ({"client_id": "0" * 32}, "at+jwt"), ({"grant_id": "0" * 32}, "at+jwt"), ({"aud": ["x"]}, "at+jwt"),
        ({"cnf": {"x5t": "x"}}, "at+jwt"), ({"authorization_details": []}, "at+jwt"), ({"act": {"sub": "x"}}, "at+jwt"),
        ({"may_act": {"sub": "x"}}, "at+jwt"),
    ],
)  # fmt: skip
def test_our_own_signature_alone_opens_nothing(
    stack: Stack, session: Session, asker: Asker, claims: dict[str, Any], typ: str
) -> None:
    token = sign(stack, {**session.claims, **claims}, typ)
    assert refusal(stack.userinfo(token)) == (401, "invalid_token")
    assert refusal(session.exchange(token)) == (400, "invalid_request")
    assert introspect(stack, asker, token) == INACTIVE
    assert stack.userinfo(sign(stack, session.claims)).status == 200


@requirement("INT-02")
def test_userinfo_tells_what_the_scopes_open(stack: Stack, session: Session) -> None:
    told = session.userinfo().json
    assert told["sub"] == session.claims["sub"] and told["email"] and told["name"]
    narrow = session.refresh(scope="openid email").json["access_token"]
    assert set(stack.userinfo(narrow).json) == {"sub", "email", "email_verified"}
    none = session.refresh(scope="email").json["access_token"]
    assert refusal(stack.userinfo(none)) == (403, "insufficient_scope")


@requirement("INT-03", "GEN-05")
def test_a_token_is_read_from_the_header_and_nowhere_else(stack: Stack, session: Session) -> None:
    headers = {"Content-Type": FORM}
    in_form = request(stack.netloc, "POST", "/userinfo", body=f"access_token={session.access}", headers=headers)
    assert refusal(in_form) == (401, "invalid_token")
    assert stack.get(f"/userinfo?access_token={session.access}").status == 400
    for header in (session.access, f"Basic {session.access}", "Bearer", f"Bearer {session.access} x"):
        assert stack.get("/userinfo", Authorization=header).status == 401
    assert stack.get("/userinfo", Authorization=f"bearer {session.access}").status == 200
