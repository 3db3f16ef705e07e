"""The log: a secret sent in any place of any request is in none of its bytes, nor is any credential of a sign-in."""

import base64
import logging
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlencode

import pytest

from chalicelib.adapters.process.log import redact
from tests.kit.http.stack import PROVIDER_SECRET, Stack
from tests.kit.http.surface import ENDPOINTS, NAMES, Endpoint, call, raw
from tests.kit.requirement import requirement

CANARY = "canaryQ7f3b9c2"
SHAPES = (
    CANARY,
    f"tb_code_{CANARY}",
    f"tb_refresh_{CANARY}",
    f"eyJhbGciOiJub25lIn0.{CANARY}.",
    base64.b64encode(CANARY.encode() * 3).decode(),
    f"https://user:{CANARY}@a.example/{CANARY}?{CANARY}={CANARY}#{CANARY}",
    f'{CANARY}"\\n{{}}',
    CANARY + "x" * 3000,
)
HEADERS = (
    *("Authorization", "Proxy-Authorization", "DPoP", "Cookie", "User-Agent", "Referer", "Origin", "X-Forwarded-For"),
    *("X-Api-Key", "X-Request-Id", "X-Amzn-Trace-Id", "Accept", "Accept-Language", "Forwarded", "If-None-Match"),
)
COOKIES = ("tb_browser", "tb_session", "tb_pending_0123abcd", "__Host-tb_session", "other")


@pytest.fixture
def everything(
    make_stack, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[tuple[Stack, list[str]]]:
    """A stack, and all that it, Chalice and the standard library have logged once the test has ended its requests."""
    caplog.set_level(logging.INFO)
    stack, written = make_stack(registration="open", failed_authentications_per_address=100_000), []
    yield stack, written
    output = capfd.readouterr()
    everything = stack.log.getvalue() + output.out + output.err + caplog.text
    assert '"event"' in everything
    for secret in written:
        assert secret and secret not in everything, secret[:12]


@requirement("GEN-18", "GEN-07")
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
def test_a_canary_in_every_place_of_every_endpoint(everything, endpoint: Endpoint) -> None:
    stack, written = everything
    written += [CANARY, base64.b64encode(CANARY.encode() * 3).decode().rstrip("=")]
    client, _ = stack.client(token_endpoint_auth_method="client_secret_post")
    right = {**stack.authorize_parameters(client), "grant_type": "authorization_code", "token": "x"}
    assert stack.userinfo("x").status == 401  # so that something is logged at all
    for shape in SHAPES:
        for answer in (
            *(call(stack, endpoint, {**_right(endpoint, right), name: shape}) for name in endpoint.fields),
            call(stack, endpoint, dict.fromkeys(endpoint.fields, shape)),
            call(stack, endpoint, {shape: shape}),
            call(stack, endpoint, part=shape[:500]),
            _in_query(stack, endpoint, shape),
            _in_headers(stack, endpoint, quote(shape, safe="/+=.:")),
        ):
            assert answer.status < 500
            assert not any(CANARY in value for name, value in answer.headers if name != "location")
            if not endpoint.page:
                assert CANARY not in answer.body or endpoint.path == "/register", answer.body[:300]


def _right(endpoint: Endpoint, right: dict[str, str]) -> dict[str, str]:
    return {name: right[name] for name in endpoint.fields if name in right} if endpoint.body != "json" else {}


def _in_query(stack: Stack, endpoint: Endpoint, shape: str):
    path = endpoint.fill("demo")
    names = (*endpoint.fields, "access_token", "client_secret", "code", "token", "password")
    return raw(stack.netloc, endpoint.method, f"{path}?{urlencode(dict.fromkeys(names[:3] + names[-5:], shape[:400]))}")


def _in_headers(stack: Stack, endpoint: Endpoint, text: str):
    sent = [(name, text[:250]) for name in HEADERS if name not in ("Cookie", "Authorization")]
    sent.append(("Cookie", "; ".join(f"{name}={text[:200]}" for name in COOKIES)))
    sent.append(("Authorization", f"Bearer {text[:900]}" if "userinfo" in endpoint.path else f"Basic {text[:900]}"))
    return call(stack, endpoint, headers=sent)


@requirement("GEN-18")
def test_the_credentials_of_a_whole_sign_in(everything) -> None:
    stack, written = everything
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    sign_in = stack.sign_in(client, secret)
    tokens = stack.redeem(sign_in).json
    handed = stack.exchange(sign_in, tokens["access_token"]).json
    again = stack.refresh(sign_in, tokens["refresh_token"]).json
    wrong = stack.token(client, "0" * 64, grant_type="refresh_token", refresh_token=again["refresh_token"])
    assert wrong.status == 401
    assert stack.redeem(sign_in).json["error"] == "invalid_grant"  # a replay: the grant ends
    assert stack.refresh(sign_in, again["refresh_token"]).json["error"] == "invalid_grant"
    written += [secret, PROVIDER_SECRET, sign_in.code, sign_in.verifier, sign_in.state, sign_in.nonce]
    written += [one[name] for one in (tokens, again) for name in ("access_token", "refresh_token", "id_token")]
    written += [handed["access_token"], base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()]
    written += sign_in.browser.cookies.values()
    written += [unquote(part.partition("=")[2]) for part in sign_in.callback.partition("?")[2].split("&")[:2]]


@requirement("GEN-18")
@pytest.mark.parametrize(
    "faults",
    [{"token_error": CANARY}, {"token_error": CANARY, "errors_as_200": True}, {"broken_json": True}, {"html": True}],
    ids=str,
)
def test_what_a_provider_answers(everything, faults: dict[str, object]) -> None:
    stack, written = everything
    written += [CANARY, PROVIDER_SECRET]
    client, _ = stack.client()
    for more in (f"&error={CANARY}", f"&error=access_denied&error_description={CANARY}", f"&iss=https://{CANARY}/", ""):
        sign_in = stack.to_callback(client)
        written.append(sign_in.callback.partition("code=")[2].partition("&")[0])
        for name, value in faults.items():
            setattr(stack.provider.faults, name, value)
        back = sign_in.callback.replace("code=", f"ignored_{CANARY}=") if "error" in more else sign_in.callback
        answer = sign_in.browser.get(back + more)
        stack.provider.faults.reset()
        assert answer.status < 500 or answer.status in (502, 503)
        assert CANARY not in (answer.header("location") or "") + answer.body


@requirement("GEN-18")
def test_fields_by_name_and_values_by_shape_are_redacted() -> None:
    names = "authorization DPoP cookie code code_verifier access_token refresh_token client_secret client_assertion"
    for name in [*names.split(), "state", "user_code", "id_token", "password", "set-cookie", "request"]:
        assert redact(name, CANARY) == "[redacted]", name
    assert redact("where", {"inner": {"client_secret": CANARY}}) == {"inner": {"client_secret": "[redacted]"}}
    for value in ("tb_code_abc-_1", "tb_refresh_abc", "a" * 64, "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln"):
        for text in (value, f"before {value} after"):
            assert value not in str(redact("reason", text)), value
            assert value not in str(redact("reasons", [text, (text,)])), value
    assert redact("client_id", "a" * 32) == "a" * 32
    assert len(str(redact("reason", "word " * 500))) <= 500
