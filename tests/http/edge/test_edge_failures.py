"""When storage or keys fail, or a line of ours is wrong, the answer is no, says nothing, and costs nobody anything."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from chalice.app import Chalice

from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable
from chalicelib.records.resource import Resource
from chalicelib.responses import Response
from chalicelib.routes.edge import Edge, Route
from cli.deployment.operations import create_resource
from local.stack.gateway import Gateway
from tests.kit.http.browser import Answer, read_page, request
from tests.kit.http.stack import EXCHANGE, SignIn, Stack
from tests.kit.http.surface import read_tables
from tests.kit.requirement import requirement

CANARY = "canary-0123456789abcdef"
API = "https://api.example/orders"


class Away:
    """AWS that answers nothing but this fault."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Never an answer."""
        raise self._fault


class Right:
    """One right request for every endpoint that decides something, prepared while all was well."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        create_resource(stack.deployment, Resource(audience=API))
        self.client, self.secret = stack.client(
            token_endpoint_auth_method="client_secret_basic",
            serves=frozenset({stack.settings.issuer}),
            resources=frozenset({API}),
            grant_types=frozenset({"authorization_code", "refresh_token", "client_credentials", EXCHANGE}),
        )
        self.coded = stack.sign_in(self.client, self.secret)
        self.used: SignIn = stack.sign_in(self.client, self.secret)
        self.tokens = stack.redeem(self.used).json
        self.pending = stack.to_callback(self.client, self.secret)
        self.browser = stack.browser()
        page = stack.authorize(stack.authorize_parameters(self.client), self.browser)
        self.form = dict(read_page(page.body).fields) | {"provider": "demo", "decision": "allow"}

    def requests(self) -> dict[str, Callable[[], Answer]]:
        """By name; each would succeed."""
        stack, access = self.stack, self.tokens["access_token"]
        return {
            "metadata": lambda: stack.get("/.well-known/openid-configuration"),
            "jwks": lambda: stack.get("/jwks"),
            "authorize": lambda: stack.authorize(stack.authorize_parameters(self.client)),
            "signin": lambda: self.browser.post("/signin", self.form),
            "callback": lambda: self.pending.browser.get(self.pending.callback),
            "code": lambda: stack.redeem(self.coded),
            "client_credentials": lambda: stack.token(
                self.client, self.secret, grant_type="client_credentials", resource=API
            ),
            "exchange": lambda: stack.exchange(self.used, access),
            "userinfo": lambda: stack.userinfo(access),
            "introspect": lambda: stack.post("/introspect", self.client, self.secret, token=access),
            "register": lambda: _register(stack),
            "revoke access": lambda: stack.post("/revoke", self.client, self.secret, token=access),
            "refresh": lambda: stack.refresh(self.used, self.tokens["refresh_token"]),
            "revoke refresh": lambda: stack.post(
                "/revoke", self.client, self.secret, token=self.tokens["refresh_token"]
            ),
        }


def _register(stack: Stack) -> Answer:
    document = '{"redirect_uris": ["https://new.example/"]}'
    return stack.browser().send("POST", "/register", body=document, headers={"Content-Type": "application/json"})


AWAY = {
    "unreachable": AwsUnreachable("ConnectTimeoutError"),
    "throttled": AwsRefusal("ProvisionedThroughputExceededException"),
    "denied": AwsRefusal("AccessDeniedException"),
    "no table": AwsRefusal("ResourceNotFoundException"),
}


@requirement("GEN-13", "REV-02")
@pytest.mark.parametrize("fault", AWAY.values(), ids=AWAY)
@pytest.mark.parametrize("service", ["dynamodb", "kms"])
def test_without_storage_or_keys_nothing_is_decided(make_stack, service: str, fault: Exception) -> None:
    stack = make_stack(registration="open")
    right = Right(stack)
    before, healthy = read_tables(stack, without=("RATE#", "CLIENT#")), stack.broker
    stack.broker = stack.build(**{service: Away(fault)})
    for name, send in right.requests().items():
        answer = send()
        if service == "kms" and name in ("metadata", "jwks", "register", "authorize", "userinfo", "introspect"):
            assert answer.status < 500 or answer.status == 503, (name, answer.body)
            continue
        assert answer.status == 503, (name, answer.status, answer.body[-400:], stack.log.getvalue()[-300:])
        assert int(answer.header("retry-after") or 0) > 0, name
        assert answer.header("location") is None and '"active"' not in answer.body, name
    if service == "dynamodb":
        assert read_tables(stack, without=("RATE#", "CLIENT#")) == before
    stack.broker = healthy
    for name, send in right.requests().items():
        assert send().status < 400, name


@requirement("GEN-17")
def test_an_unhandled_error_answers_an_id_alone(make_stack, capfd: pytest.CaptureFixture[str]) -> None:
    stack = make_stack(registration="open")
    right = Right(stack)
    stack.broker = stack.build(dynamodb=Away(RuntimeError(CANARY)))
    logged = len(stack.log.getvalue())
    for name, send in right.requests().items():
        answer = send()
        assert answer.status == 500, name
        assert CANARY not in answer.body and "Traceback" not in answer.body and "RuntimeError" not in answer.body
        assert answer.header("location") is None and answer.header("cache-control") == "no-store"
        request_id = answer.header("x-amzn-requestid")
        assert request_id and request_id in answer.body, name
        assert f'"error_id":"{request_id}"' in stack.log.getvalue()[logged:], name
        if (answer.header("content-type") or "").startswith("application/json"):
            assert set(answer.json) == {"error", "error_description", "error_id"}
    output = capfd.readouterr()
    assert CANARY not in stack.log.getvalue() + output.out + output.err
    assert "Traceback" not in output.out + output.err


@requirement("GEN-17", "GEN-07")
@pytest.mark.parametrize(
    "value",
    [f"https://a.example/\r\nSet-Cookie: {CANARY}", f"\u2028{CANARY}", f"\x00{CANARY}"],
    ids=["line break", "another alphabet", "nul"],
)
def test_an_answer_that_cannot_be_sent_is_an_unhandled_error_too(
    stack: Stack, capfd: pytest.CaptureFixture[str], value: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, edge = Chalice(app_name="faulty"), Edge(lambda: stack.broker)
    app.log.propagate = False  # what Chalice would say goes to its own handler, which is watched below
    caplog.set_level(logging.CRITICAL, "local.stack.gateway")  # the gateway's complaint about a broken app is not ours
    faulty = Route(
        endpoint=lambda broker, http: Response(headers=(("Location", value),)), counted="memory", any_host=True
    )
    app.route("/faulty", methods=["GET"])(lambda: edge.serve(app.current_request, faulty))
    gateway = Gateway(app).start()
    answer = request(gateway.url.removeprefix("http://"), "GET", "/faulty")
    gateway.stop()
    assert answer.status == 500 and answer.json["error"] == "server_error"
    assert not answer.headers_named("set-cookie") and answer.header("location") is None
    output = capfd.readouterr()
    assert CANARY not in answer.body + stack.log.getvalue() + output.out + output.err
    assert "Traceback" not in output.out + output.err
