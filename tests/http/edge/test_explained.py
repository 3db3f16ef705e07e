"""Real refusals, and what `broker explain` says of each id; the client has seen nothing of it."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from cli.deployment.operations import update_client
from cli.main import main
from tests.kit.http.acting import start_acting
from tests.kit.http.browser import DEVELOPER, Answer
from tests.kit.http.stack import APP, PROVIDER_SECRET, Stack
from tests.kit.requirement import requirement

Explain = Callable[..., dict[str, Any]]
NUMBER = re.compile(r"broker explain ([0-9A-Za-z-]+)<")


def id_of(answer: Answer) -> str:
    """From JSON, from the app's redirect, or from a page."""
    if answer.location:
        return answer.answered["error_id"]
    found = NUMBER.search(answer.body)
    return found[1] if found else str(answer.json["error_id"])


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    """The command on the stack's log: its document, and its words under `words`."""

    def run(stack: Stack, answer: Answer) -> dict[str, Any]:
        log = tmp_path / "broker.log"
        log.write_text(stack.log.getvalue())
        capsys.readouterr()
        assert main(["explain", id_of(answer), "--log", str(log), "--json"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert main(["explain", id_of(answer), "--log", str(log)]) == 0
        assert document["path"][-1]["outcome"] == "refused"
        assert {step["outcome"] for step in document["path"][:-1]} <= {"passed"}
        return {**document, "words": capsys.readouterr().out}

    return run


@requirement("OPS-06", "OPS-08")
def test_a_redirect_uri_is_shown_with_the_differing_characters_marked(make_stack, explain: Explain) -> None:
    stack = make_stack()
    client, _ = stack.client(redirect_uris=(APP, "https://other.example/back"))
    answer = stack.authorize(stack.authorize_parameters(client, redirect_uri="https://app.example/Callback/"))
    said = explain(stack, answer)
    assert (said["reason"], said["endpoint"]) == ("redirect_uri_not_registered", "GET /authorize")
    assert said["differences"][0] == {
        "expected": APP,
        "received": "https://app.example/Callback/",
        "marks": "                    ^       ^",
    }
    assert "--add-redirect-uri=https://app.example/Callback/\n" in said["words"] and client.client_id in said["fix"]
    assert said["attack"] is True and "an attack" in said["words"]
    assert APP not in answer.body.partition(DEVELOPER)[0] and "registered" not in id_of(answer)


def _wrong_method(stack: Stack) -> Answer:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    form = {"client_id": client.client_id, "client_secret": secret, "grant_type": "client_credentials"}
    return stack.token(_as_post(client), secret, **form)


def _as_post(client: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(client, token_endpoint_auth_method="client_secret_post")


def _ask(**wrong: str | None) -> Callable[[Stack], Answer]:
    return lambda stack: stack.authorize(stack.authorize_parameters(stack.client()[0], **wrong))


def _unknown_client(stack: Stack) -> Answer:
    client, _ = stack.client()
    return stack.authorize(stack.authorize_parameters(client, client_id="0" * 32))


def _disabled(stack: Stack) -> Answer:
    client, _ = stack.client()
    update_client(stack.deployment, client, marks=type(client.marks)(disabled=True))
    return stack.token(client, grant_type="refresh_token", refresh_token="x")


def _not_pushed(stack: Stack) -> Answer:
    return stack.authorize(stack.authorize_parameters(stack.client(require_pushed_authorization_requests=True)[0]))


def _grant_type(stack: Stack) -> Answer:
    return stack.token(stack.client()[0], grant_type="client_credentials")


def _no_grant_type(stack: Stack) -> Answer:
    return stack.token(stack.client()[0])


def _verifier(stack: Stack) -> Answer:
    return stack.redeem(stack.sign_in(stack.client()[0]), code_verifier="w" * 43)


def _replay(stack: Stack) -> Answer:
    sign_in = stack.sign_in(stack.client()[0])
    assert stack.redeem(sign_in).status == 200
    return stack.redeem(sign_in)


def _late(stack: Stack) -> Answer:
    sign_in = stack.sign_in(stack.client()[0])
    stack.clock.advance(stack.settings.code_seconds + 7)
    return stack.redeem(sign_in)


def _denied(stack: Stack) -> Answer:
    client, _ = stack.client()
    browser = stack.browser()
    return stack.decide(browser, stack.authorize(stack.authorize_parameters(client), browser), "deny")


def _provider_refuses(stack: Stack) -> Answer:
    sign_in = stack.to_callback(stack.client()[0])
    stack.provider.faults.token_error = "invalid_client"
    answer = sign_in.browser.get(sign_in.callback)
    stack.provider.faults.reset()
    return answer


def _other_browser(stack: Stack) -> Answer:
    return stack.browser().get(stack.to_callback(stack.client()[0]).callback)


def _no_connection(stack: Stack) -> Answer:
    sign_in = stack.sign_in(stack.client()[0], scope="openid")
    tokens = stack.redeem(sign_in).json
    return stack.exchange(sign_in, tokens["access_token"])


def _content_type(stack: Stack) -> Answer:
    from tests.kit.http.browser import request

    return request(stack.netloc, "POST", "/token", body="{}", headers={"Content-Type": "application/json"})


CASES: dict[str, tuple[Callable[[Stack], Answer], str, dict[str, object], str]] = {
    "a scope": (
        _ask(scope="openid demo:notes:write"), "scope_not_registered_for_client",
        {"received": ["demo:notes:write", "openid"]}, "--add-scope=demo:notes:write",
    ),
    "a response type": (_ask(response_type="token"), "response_type_not_code", {"received": "token"}, "code flow"),
    "no PKCE": (_ask(code_challenge=None), "code_challenge_missing", {}, "PKCE"),
    "a method of PKCE": (
        _ask(code_challenge_method="plain"), "code_challenge_method_not_s256", {"received": "plain"}, "^",
    ),
    "a provider": (_ask(provider="demu"), "provider_unknown_or_not_for_client", {"received": "demu"}, "provider list"),
    "a client nobody knows": (_unknown_client, "client_unknown_or_over", {"standing": "unknown"}, "client_id"),
    "a client that is disabled": (_disabled, "client_unknown_or_over", {"standing": "disabled"}, "client enable"),
    "a request that was not pushed": (
        _not_pushed, "request_not_pushed", {"required_of": "this client"}, "--require-pushed-requests no",
    ),
    "a grant type": (
        _grant_type, "grant_type_not_registered", {"received": "client_credentials"},
        "--add-grant-type=client_credentials",
    ),
    "no grant type": (_no_grant_type, "parameter_missing", {"parameter": "grant_type"}, "grant_type"),
    "a method of authentication": (
        _wrong_method, "authentication_method_not_registered",
        {"expected": "client_secret_basic", "received": "client_secret_post"}, "registered method",
    ),
    "a verifier": (_verifier, "code_verifier_wrong", {"standing": "issued"}, "one verifier per state"),
    "a code twice": (_replay, "code_replayed", {"grant_type": "authorization_code"}, "redeem each code once"),
    "a code that is over": (_late, "code_unknown_or_over", {"standing": "issued, over for 7 seconds"}, "at once"),
    "a user who says no": (_denied, "user_denied", {}, "Nothing is wrong"),
    "a provider that refuses us": (
        _provider_refuses, "token_invalid_client", {"provider_id": "demo"}, "provider set demo",
    ),
    "another browser": (
        _other_browser, "pending_cookie_missing", {"browser_sent": "no cookies"}, "Cookies are blocked",
    ),
    "no connection": (_no_connection, "no_such_connection", {"provider_id": "demo"}, "connect_uri"),
    "a content type": (_content_type, "content_type_not_form", {"received": "application/json"}, "^"),
}  # fmt: skip


@requirement("OPS-06", "OPS-08")
@pytest.mark.parametrize(("refused", "reason", "evidence", "words"), CASES.values(), ids=CASES)
def test_each_refusal_is_explained(
    make_stack,
    explain: Explain,
    refused: Callable[[Stack], Answer],
    reason: str,
    evidence: dict[str, object],
    words: str,
) -> None:
    stack = make_stack()
    answer = refused(stack)
    said = explain(stack, answer)
    assert said["reason"] == reason
    assert evidence.items() <= said["evidence"].items(), said["evidence"]
    assert words in said["words"], said["words"]
    told, _, beside = answer.body.partition(DEVELOPER)  # which a broker on this machine alone shows
    assert reason not in told and reason not in answer.location and (not beside or reason in beside)


@requirement("OPS-08")
def test_the_path_names_what_was_passed_before(make_stack, explain: Explain) -> None:
    stack = make_stack()
    checks = [step["check"] for step in explain(stack, _verifier(stack))["path"]]
    assert checks[:4] == [
        "The HTTP request",
        "Request parameters",
        "Client authentication",
        "The token request",
    ]
    assert checks[-3:] == [
        "the code was issued to this client", "the redirect_uri is the same as at /authorize", "the verifier "
                                                                                               "matches the challenge",
    ]  # fmt: skip


@requirement("OPS-06", "GEN-18")
def test_no_secret_of_a_run_is_in_the_log_or_in_an_explanation(make_stack, explain: Explain) -> None:
    stack = make_stack()
    client, secret = stack.client(token_endpoint_auth_method="client_secret_post")
    sign_in = stack.sign_in(client, secret)
    tokens = stack.redeem(sign_in).json
    secrets = [secret, PROVIDER_SECRET, sign_in.code, sign_in.verifier, sign_in.state, sign_in.nonce, "u" * 43]
    secrets += [tokens[name] for name in ("access_token", "refresh_token", "id_token")]
    secrets += [value for name, value in sign_in.browser.cookies.items() if name != "tb_provider"]
    secrets += [base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()]
    secrets += [unquote(part.partition("=")[2]) for part in sign_in.callback.partition("?")[2].split("&")[:2]]
    refusals = [
        stack.redeem(sign_in),
        stack.redeem(sign_in, code_verifier="u" * 43),
        stack.redeem(sign_in, redirect_uri=f"{APP}?code={sign_in.code}"),
        stack.token(client, secret, grant_type=tokens["refresh_token"]),
        stack.token(client, secret, grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope=secret),
        stack.exchange(sign_in, tokens["access_token"], audience=tokens["id_token"]),
        stack.token(client, sign_in.verifier, grant_type=sign_in.verifier),
        stack.userinfo(tokens["access_token"] + "x"),
        *(
            stack.authorize(stack.authorize_parameters(client, **{name: canary}))
            for canary in (secret, tokens["refresh_token"], sign_in.verifier)
            for name in ("redirect_uri", "scope", "provider", "response_type", "client_id", "resource", "response_mode")
        ),
    ]
    everything = stack.log.getvalue() + "".join(explain(stack, answer)["words"] for answer in refusals)
    for number, one in enumerate(secrets):
        assert one and one not in everything, number


@requirement("OPS-06")
def test_a_refusal_is_one_line_and_no_call_of_its_own(make_stack) -> None:
    stack = make_stack()
    client, _ = stack.client()
    wrong = stack.authorize_parameters(client, redirect_uri="https://evil.example/" + "x/" * 2000)
    stack.authorize(wrong)
    before = len(stack.log.getvalue())
    stack.dynamodb.calls.clear()
    stack.authorize(wrong)
    assert len(stack.log.getvalue()) - before < 1500
    assert {call[0] for call in stack.dynamodb.calls} <= {"BatchGetItem", "GetItem"}


@requirement("OPS-06", "XCH-05")
def test_who_may_not_act_is_told_by_the_command_that_lets_it(stack: Stack, explain: Explain) -> None:
    acted = start_acting(stack)
    acted.allow()
    said = explain(stack, acted.tools.act(acted.shown))
    app, tools = acted.session.client.client_id, acted.tools.client.client_id
    assert said["reason"] == "actor_not_allowed"
    assert said["fix"] == f"python3 dev.py broker client update {app} --may-be-acted-by {tools}"
