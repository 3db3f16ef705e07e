"""Anything at all, at every endpoint: never a 5xx, no state change, no redirect to a place that was not proven."""

import string
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.http.browser import FORM, read_page
from tests.kit.http.stack import APP, EXCHANGE, Stack
from tests.kit.http.surface import ENDPOINTS, JSON, NAMES, Endpoint, call, raw, read_tables
from tests.kit.requirement import requirement

pytestmark = requirement("GEN-03", "GEN-07", "GEN-22", "AUTHZ-03")

# What is right in some place: garbage that goes deep is made of it.
RIGHT: dict[str, str] = {}
NEARLY: dict[str, dict[str, str]] = {}
PIECES = [
    "", " ", "\x00",
    "\r\n", "%", "%00", "\ufffd", "\u202e", "\U0001f600", "<script>", "{{7*7}}", "${x}", "../", "'", '"',
    "https://evil.example/", "//evil.example", "javascript:alert(1)", "http://127.0.0.1/", "data:,x", "None", "null",
    "true", "-1", "0",
    "9" * 30, "1e9", "code", "query", "S256", "openid", "none", "login",
    "allow", "deny", "continue",
    "retry", "demo", "demo:notes:read", "offline_access", "authorization_code", "refresh_token", "client_credentials",
    EXCHANGE, "urn:ietf:params:oauth:token-type:access_token", "tb_code_", "tb_refresh_", "eyJhbGciOiJub25lIn0.e30.",
    APP,
    APP + "/", APP + "?x", APP + "#x", "a" * 43, "a" * 64, "a" * 4097,
]  # fmt: skip
ANY = st.one_of(
    st.sampled_from(PIECES),
    st.sampled_from(["@client_id", "@secret", "@code", "@access", "@refresh", "@form", "@state", "@verifier"]),
    st.text(max_size=30),
    st.text(string.printable, max_size=30),
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
)
DOCUMENT: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=6,
)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Authorization", "Cookie", "DPoP", "Origin", "Content_Type", "X-Forwarded-For", "Accept", "Referer"]
        ),
        HEADER | ANY.map(lambda text: text.encode("ascii", "ignore").decode().replace("\n", "").replace("\r", "")),
    ),
    max_size=2,
)


@pytest.fixture(scope="module")
def deep(parts) -> Stack:
    """A broker with one finished sign-in, whose real values are thrown in among the garbage."""
    stack = Stack(parts, registration="closed", failed_authentications_per_address=10**9)
    client, secret = stack.client(token_endpoint_auth_method="client_secret_post")
    used, coded = stack.sign_in(client, secret), stack.sign_in(client, secret)
    tokens = stack.redeem(used).json
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    RIGHT.update(
        client_id=client.client_id, secret=secret or "", code=coded.code,
        access=tokens["access_token"], state=coded.state,
        refresh=tokens["refresh_token"] + "x", form=dict(read_page(page.body).fields)["request"], verifier="v" * 43,
    )  # fmt: skip
    asking = {"client_id": client.client_id, "client_secret": secret or ""}
    NEARLY.update(
        {"/authorize": stack.authorize_parameters(client), "/token": asking, "/introspect": asking, "/revoke": asking}
    )
    NEARLY["/signin"] = {"request": RIGHT["form"], "provider": "demo"}
    return stack


def fill(value: Any) -> Any:
    """Put real values where their names stand."""
    if isinstance(value, str) and value.startswith("@"):
        return RIGHT.get(value[1:], value)
    if isinstance(value, list):
        return [fill(one) for one in value]
    if isinstance(value, dict):
        return {fill(name): fill(one) for name, one in value.items()}
    return value


def check(stack: Stack, endpoint: Endpoint, answer: Any) -> None:
    """What holds for every answer to garbage."""
    assert answer.status < 500, (endpoint.name, answer.body[:300], stack.log.getvalue()[-400:])
    place = answer.header("location") or (read_page(answer.body).refresh if endpoint.page else "")
    if place:
        ours = urlsplit(place).netloc in ("", stack.netloc) and place.startswith(
            ("/authorize?", "/logout?request=", stack.settings.issuer)
        )
        assert ours or place.startswith((APP + "?", stack.provider.url + "/")), place
    assert not answer.headers_named("x-injected") and not answer.headers_named("refresh")


def no_state_change(stack: Stack, before: dict[str, Any]) -> None:
    assert read_tables(stack) == before
    assert "unhandled" not in stack.log.getvalue()


BOUNDED = settings(
    max_examples=18, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
def test_any_parameters(deep: Stack, parts, endpoint: Endpoint) -> None:
    parts.current, before = deep, read_tables(deep)
    names = st.sampled_from(endpoint.fields) if endpoint.fields else ANY

    @BOUNDED
    @given(
        st.dictionaries(names, DOCUMENT if endpoint.body == "json" else ANY, max_size=8),
        HEADERS, ANY.filter(bool).map(lambda text: text[:200]), st.booleans(),
    )  # fmt: skip
    def send(values: dict[str, Any], headers: list[tuple[str, str]], part: str, nearly: bool) -> None:
        sent = {**(NEARLY.get(endpoint.path, {}) if nearly else {}), **fill(values)}
        if endpoint.body != "json":
            sent = {name: value.encode("utf-8", "surrogatepass") for name, value in sent.items()}
        safe = part.encode("utf-8", "replace").decode()
        check(deep, endpoint, call(deep, endpoint, sent, _sendable(headers), part=safe))

    send()
    no_state_change(deep, before)


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.body], ids=lambda one: one.name)
def test_any_bytes(deep: Stack, parts, endpoint: Endpoint) -> None:
    parts.current, before = deep, read_tables(deep)
    kinds = st.sampled_from([FORM, JSON, FORM + "; charset=utf-8", "text/plain", "", "multipart/form-data; boundary=x"])
    field = st.builds(
        lambda name, rest: name.encode() + b"=" + rest,
        st.sampled_from(endpoint.fields or ("x",)),
        st.binary(max_size=20),
    )
    bodies = st.binary(max_size=60) | st.lists(field, max_size=4).map(b"&".join) | st.just(b"[" * 3000)

    @BOUNDED
    @given(kinds, bodies)
    def send(kind: str, body: bytes) -> None:
        headers = [("Content-Type", kind), ("Origin", deep.settings.issuer)]
        check(deep, endpoint, raw(deep.netloc, endpoint.method, endpoint.path, headers, body))

    send()
    no_state_change(deep, before)


def test_any_query_string(deep: Stack, parts) -> None:
    parts.current, before = deep, read_tables(deep)
    safe = st.text(string.ascii_letters + string.digits + "%&=+;/?:@!$'()*,-._~[]", max_size=60)

    @settings(BOUNDED, max_examples=60)
    @given(st.sampled_from([one for one in ENDPOINTS if "{issuer_path}" not in one.path]), safe)
    def send(endpoint: Endpoint, query: str) -> None:
        path = endpoint.fill("demo")
        check(deep, endpoint, raw(deep.netloc, endpoint.method, f"{path}?{query}"))

    send()
    no_state_change(deep, before)


def test_any_json_document_at_an_open_registration(make_stack) -> None:
    stack = make_stack(registration="open", registration_per_address=10**6, registration_per_day=10**6)
    register = ENDPOINTS[NAMES.index("POST /register")]
    before = read_tables(stack, without=("RATE#", "CLIENT#"))

    @settings(BOUNDED, max_examples=60)
    @given(st.dictionaries(st.sampled_from(register.fields), DOCUMENT, max_size=6))
    def send(document: dict[str, Any]) -> None:
        answer = call(stack, register, document)
        check(stack, register, answer)
        assert answer.status in (201, 400, 413)

    send()
    assert read_tables(stack, without=("RATE#", "CLIENT#")) == before


def _sendable(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    kept = [
        (name, "".join(c for c in fill(value) if 31 < ord(c) < 256 and ord(c) != 127)[:900]) for name, value in headers
    ]
    return list({name: (name, value) for name, value in kept}.values())
