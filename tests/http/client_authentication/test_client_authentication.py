"""Who asks at the endpoints that clients call: the registered method and only that (RFC 6749 section 2.3)."""

import base64
from urllib.parse import quote

import pytest

from chalicelib.records.client import Client
from tests.http.client_authentication.client_call import ENDPOINTS, call
from tests.kit.http.browser import request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import count_calls, refusal
from tests.kit.requirement import requirement

ITSELF = frozenset({"client_credentials"})
BASIC, POST = "client_secret_basic", "client_secret_post"


def register(stack: Stack, method: str) -> tuple[Client, str]:
    client, secret = stack.client(token_endpoint_auth_method=method, grant_types=ITSELF)
    return client, secret or ""


@requirement("TOK-02", "TOK-04")
@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", [BASIC, POST])
def test_the_registered_method_and_only_that(stack: Stack, method: str, path: str) -> None:
    client, secret = register(stack, method)
    posted = {"client_id": client.client_id, "client_secret": secret}
    in_header, in_form = (
        call(stack, {}, path=path, basic=(client.client_id, secret)),
        call(stack, posted, path=path),
    )
    right, wrong = (in_header, in_form) if method == BASIC else (in_form, in_header)
    assert right.status == 200
    assert refusal(wrong) == (401, "invalid_client")
    assert refusal(call(stack, posted, path=path, basic=(client.client_id, secret))) == (401, "invalid_client")
    assert refusal(call(stack, {"client_id": client.client_id}, path=path)) == (401, "invalid_client")


@requirement("TOK-02", "TOK-03")
def test_a_failed_authentication_by_header_names_the_scheme(stack: Stack) -> None:
    client, _ = register(stack, BASIC)
    answer = call(stack, {}, basic=(client.client_id, "0" * 64))
    assert (answer.challenge or "").startswith("Basic ")
    assert answer.header("cache-control") == "no-store"


@requirement("TOK-04", "GEN-10")
def test_unknown_and_wrong_read_alike(stack: Stack) -> None:
    client, _ = register(stack, BASIC)
    answers = [call(stack, {}, basic=(client_id, "0" * 64)) for client_id in (client.client_id, "0" * 32)]
    bodies = [{k: v for k, v in answer.json.items() if k != "error_id"} for answer in answers]
    assert bodies[0] == bodies[1] and {answer.status for answer in answers} == {401}


@requirement("TOK-03")
def test_the_scheme_has_any_case_and_both_halves_are_form_decoded(stack: Stack) -> None:
    client, secret = register(stack, BASIC)
    pair = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    for scheme in ("Basic", "basic", "BASIC"):
        assert call(stack, {}, basic=f"{scheme} {pair}").status == 200
    encoded = tuple("".join(f"%{ord(letter):02X}" for letter in half) for half in (client.client_id, secret))
    assert call(stack, {}, basic=encoded).status == 200


@requirement("TOK-03")
@pytest.mark.parametrize(
    "header",
    [
        "Basic", "Basic ", "Basic ===", "Basic !!!!", "Bearer abc", "Digest abc", "Basic " + "A" * 3000,
        "Basic " + base64.b64encode(b"no colon here").decode(), "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"0" * 32 + b":%zz").decode(), "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"0" * 32 + b":").decode(),
    ],
)  # fmt: skip
def test_a_broken_header_is_a_failed_authentication_and_reads_no_client(stack: Stack, header: str) -> None:
    client, _ = stack.client()
    answer = call(stack, {"client_id": client.client_id}, basic=header)
    assert refusal(answer) == (401, "invalid_client")
    assert (answer.challenge or "").startswith("Basic ")


@requirement("TOK-09")
def test_a_public_client_that_sends_a_secret_is_refused(stack: Stack) -> None:
    client, _ = stack.client()
    for basic, form in (
        ((client.client_id, "s" * 64), {}),
        ((client.client_id, ""), {}),
        (None, {"client_id": client.client_id, "client_secret": "s" * 64}),
    ):
        assert refusal(call(stack, form, path="/revoke", basic=basic)) == (401, "invalid_client")
    assert call(stack, {"client_id": client.client_id}, path="/revoke").status == 200


@requirement("TOK-02")
def test_the_header_and_the_form_must_name_one_client(stack: Stack) -> None:
    client, secret = register(stack, BASIC)
    other, _ = stack.client()
    assert call(stack, {"client_id": client.client_id}, basic=(client.client_id, secret)).status == 200
    mixed = call(stack, {"client_id": other.client_id}, basic=(client.client_id, secret))
    assert refusal(mixed) == (401, "invalid_client")


@requirement("TOK-02")
def test_a_secret_of_one_client_does_not_open_another(stack: Stack) -> None:
    (first, _), (_, second_secret) = register(stack, BASIC), register(stack, BASIC)
    assert refusal(call(stack, {}, basic=(first.client_id, second_secret))) == (401, "invalid_client")


@requirement("TOK-02")
def test_methods_that_are_not_offered_are_refused(stack: Stack) -> None:
    client, _ = register(stack, BASIC)
    assertion = {"client_assertion": "a.b.c", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:x"}
    assert refusal(call(stack, {"client_id": client.client_id, **assertion})) == (401, "invalid_client")


@requirement("TOK-01", "GEN-05")
@pytest.mark.parametrize("name", ["client_secret", "code_verifier", "refresh_token", "token", "code", "grant_type"])
def test_nothing_is_read_from_the_url(stack: Stack, name: str) -> None:
    client, secret = register(stack, BASIC)
    before = count_calls(stack)
    answer = call(stack, {}, basic=(client.client_id, secret), query=f"?{name}={quote('canary value')}")
    assert refusal(answer) == (400, "invalid_request")
    assert count_calls(stack) == before and "canary" not in stack.log.getvalue() + answer.body


@requirement("TOK-01")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_the_token_endpoint_takes_posts_alone(stack: Stack, method: str) -> None:
    assert request(stack.netloc, method, "/token").status in (403, 405)


@requirement("TOK-08")
@pytest.mark.parametrize("grant_type", ["password", "implicit", "", "urn:ietf:params:oauth:grant-type:saml2-bearer"])
def test_a_grant_type_that_is_not_here_is_refused(stack: Stack, grant_type: str) -> None:
    client, secret = register(stack, BASIC)
    answer = call(stack, {"grant_type": grant_type}, basic=(client.client_id, secret))
    assert refusal(answer) == (400, "unsupported_grant_type" if grant_type else "invalid_request")


@requirement("TOK-08")
def test_a_grant_type_that_is_not_registered_is_refused(stack: Stack) -> None:
    client, secret = register(stack, BASIC)
    for grant_type in ("authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"):
        form = {"grant_type": grant_type, "code": "c", "refresh_token": "r"}
        assert refusal(call(stack, form, basic=(client.client_id, secret))) == (400, "unauthorized_client")
    public, _ = stack.client(grant_types=ITSELF)
    assert refusal(call(stack, {"client_id": public.client_id})) == (400, "unauthorized_client")
