"""Every trick with JWTs, over HTTP: as a client assertion, and as an access token of our own where one is read.

Whatever is sent, the answer is the registered error of its place, never an error of ours.
"""

import pytest

from chalicelib.protocol.own_jwt import new_signing_key
from tests.data import Line
from tests.http.client_authentication.client_call import ENDPOINTS, call
from tests.http.client_authentication.jose_trick import is_header, reasons
from tests.kit.http.assertions import as_form
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, refusal, start_session
from tests.kit.jose.jose_tricks import Kind, good, lines_of, make, reason_for
from tests.kit.requirement import requirement

DER = new_signing_key()
KID = "key-1"
LONGEST = 4096
# Who says that it is somebody else is looked up as that one.
OVER_HTTP = {"assertion_of_another_client": ("client_unknown_or_over", "client_id_malformed")}


def assertions_for(stack: Stack) -> Kind:
    """A client, as the maker of tricks knows it."""
    probe = Kind("assertion", "", "", "", "", (), 0, DER, KID)
    client, _ = stack.client(
        token_endpoint_auth_method="private_key_jwt",
        grant_types=frozenset({"client_credentials"}),
        jwks=(probe.jwk,),
    )
    return Kind(
        "assertion", client.client_id, client.client_id, stack.settings.issuer, "client-authentication+jwt",
        (("jti", "one-jti"),), stack.clock.now(), DER, KID,
    )  # fmt: skip


def access_tokens_of(session: Session) -> Kind:
    """The access token of a session, with the key that signed it."""
    key, claims = session.stack.broker.keys.get("signing").current, session.claims
    more = {name: value for name, value in claims.items() if name not in ("iss", "sub", "aud", "iat", "exp")}
    assert key.kid is not None
    return Kind(
        "own", claims["iss"], claims["sub"], claims["aud"], "at+jwt", tuple(more.items()), claims["iat"],
        key.secret, key.kid,
    )  # fmt: skip


def is_parameter(token: str) -> bool:
    """What no form may hold is refused before anything reads it."""
    return token.isprintable() and len(token.encode()) <= LONGEST


@requirement("TOK-05", "TOK-10")
@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_trick_proves_a_client(make_stack, path: str) -> None:
    stack = make_stack(failed_authentications_per_address=100_000)
    kind = assertions_for(stack)
    for line in lines_of("assertion"):
        token = make(line, kind)
        answer = call(stack, as_form(token), path=path)
        expected = (401, "invalid_client") if is_parameter(token) else (400, "invalid_request")
        assert refusal(answer) == expected, line.name
        if is_parameter(token):
            assert reasons(stack)[-1] in OVER_HTTP.get(reason_for(line, kind), (reason_for(line, kind),)), line.name
    assert call(stack, as_form(good(kind)), path=path).status == 200, "no trick has used its jti up"


@pytest.fixture
def session(stack: Stack) -> Session:
    return start_session(stack)


@requirement("TOK-10", "INT-03")
def test_no_trick_opens_userinfo(session: Session) -> None:
    kind, stack = access_tokens_of(session), session.stack
    played: list[Line] = []
    for line in lines_of("own"):
        token = make(line, kind)
        if is_header(token):
            assert refusal(stack.userinfo(token)) == (401, "invalid_token"), line.name
            played.append(line)
    assert len(played) >= 80
    assert stack.userinfo(good(kind)).status == 200


@requirement("TOK-10", "INT-03")
def test_no_trick_is_an_active_token(session: Session) -> None:
    kind, stack = access_tokens_of(session), session.stack
    asker, secret = stack.client(
        token_endpoint_auth_method="client_secret_post", serves=frozenset({stack.settings.issuer})
    )
    for line in lines_of("own"):
        token = make(line, kind)
        answer = stack.post("/introspect", asker, secret, token=token)
        if is_parameter(token):
            assert (answer.status, answer.json) == (200, {"active": False}), line.name
        else:
            assert refusal(answer) == (400, "invalid_request"), line.name
    assert stack.post("/introspect", asker, secret, token=good(kind)).json["active"]
