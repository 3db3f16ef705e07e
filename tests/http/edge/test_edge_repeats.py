"""One value per parameter, errors of a fixed set, challenges where a token was not good enough."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from chalicelib.protocol import errors
from chalicelib.protocol.dpop_result import PROOF_ALGORITHMS
from tests.http.edge.page_post import post
from tests.kit.http.browser import DEVELOPER, Answer
from tests.kit.http.stack import ACCESS_TOKEN, EXCHANGE, Stack
from tests.kit.http.surface import ENDPOINTS, call, read_tables
from tests.kit.requirement import requirement

TEXT = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 5.2


@requirement("GEN-01")
def test_each_parameter_of_a_right_request_may_come_once(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_post")
    coded, used = stack.sign_in(client, secret), stack.sign_in(client, secret)
    tokens = stack.redeem(used).json
    asking = {"client_id": client.client_id, "client_secret": secret or ""}
    redeem = {"redirect_uri": coded.redirect_uri, "code_verifier": coded.verifier, "code": coded.code}
    requests = [
        ("/token", {"grant_type": "authorization_code", **redeem, **asking}),
        ("/token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **asking}),
        ("/revoke", {"token": tokens["refresh_token"], "token_type_hint": "refresh_token", **asking}),
        ("/introspect", {"token": tokens["access_token"], **asking}),
    ]
    before = read_tables(stack)
    for path, right in requests:
        for name, value in right.items():
            for second in (value, "", "other"):
                for pairs in ([*right.items(), (name, second)], [(name, second), *right.items()]):
                    answer = post(stack, path, urlencode(pairs).encode())
                    assert (answer.status, answer.json["error"]) == (400, "invalid_request"), (path, name, second)
    assert read_tables(stack) == before
    assert post(stack, "/token", urlencode(requests[0][1]).encode()).status == 200


@requirement("GEN-01")
def test_only_an_exchange_may_repeat_its_audience(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    token = stack.redeem(sign_in).json["access_token"]
    right = [("client_id", client.client_id), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)]
    twice = [("audience", "demo"), ("audience", "demo")]
    exchanged = post(stack, "/token", urlencode([("grant_type", EXCHANGE), *right, *twice]).encode())
    assert exchanged.json.get("error") in (None, "invalid_target")
    refused = post(stack, "/token", urlencode([("grant_type", "authorization_code"), *right, *twice]).encode())
    assert refused.json["error"] == "invalid_request"
    types = [*right, right[-1], ("audience", "demo"), ("grant_type", EXCHANGE)]
    assert post(stack, "/token", urlencode(types).encode()).json["error"] == "invalid_request"


def every_error(kind: type[errors.OAuthError] = errors.OAuthError) -> Iterator[type[errors.OAuthError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from every_error(narrower)


@requirement("GEN-07")
def test_error_texts_are_of_a_fixed_set(stack: Stack) -> None:
    known = {(kind.code, kind.description) for kind in every_error()}
    for code, description in known:
        assert TEXT.fullmatch(code) and TEXT.fullmatch(description)
    answers: list[Answer] = []
    for endpoint in ENDPOINTS:
        values = dict.fromkeys(endpoint.fields, '<b>"echo"</b>\\')
        answers += [call(stack, endpoint, values), call(stack, endpoint, headers=[("DPoP", "<b>"), ("DPoP", "echo")])]
    for answer in answers:
        told = [value for name, value in answer.headers if name != "location"]  # a posted request goes on as a GET
        assert "echo" not in answer.body.partition(DEVELOPER)[0] and "echo" not in str(told)
        if (
            answer.body
            and answer.status >= 400
            and (answer.header("content-type") or "").startswith("application/json")
        ):
            assert (answer.json["error"], answer.json["error_description"]) in known


@requirement("INT-03", "GEN-07")
def test_a_challenge_says_what_was_wrong_with_a_token(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client, scope="profile offline_access")
    narrow = stack.userinfo(stack.redeem(sign_in).json["access_token"])
    assert (narrow.status, narrow.json["error"]) == (403, "insufficient_scope")
    proofs = f'DPoP algs="{" ".join(PROOF_ALGORITHMS)}"'
    told = f'resource_metadata="{stack.settings.issuer}/.well-known/oauth-protected-resource"'
    assert narrow.challenge == f'Bearer realm="broker", error="insufficient_scope", {told}, {proofs}'
    over = stack.userinfo("x").challenge
    assert over == f'Bearer realm="broker", error="invalid_token", {told}, {proofs}'
    basic = stack.token(client, grant_type="x", client_secret="x").challenge
    assert basic == 'Basic realm="broker"'


@requirement("GEN-22", "GEN-23")
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.page], ids=lambda one: one.name)
def test_every_page_refuses_frames_scripts_and_foreign_parts(stack: Stack, endpoint) -> None:
    client, _ = stack.client()
    for values in ({}, stack.authorize_parameters(client) if "authorize" in endpoint.path else {"code": "x"}):
        answer = call(stack, endpoint, values, part="demo")
        assert answer.status not in (301, 302, 307, 308)
        if answer.status == 303:
            continue
        policy = answer.header("content-security-policy") or ""
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy
        assert answer.header("x-frame-options") == "DENY" and answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") in ("same-origin", "no-referrer")
        body = answer.body.replace(f'href="{stack.settings.issuer}/account"', "")
        assert "<script" not in body and not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", body)
