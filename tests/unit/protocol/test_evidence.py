"""What a log may say of what was received: words, never what could be a credential."""

import base64

import pytest

from chalicelib.protocol.errors import InvalidRequest
from chalicelib.protocol.log_redaction import MAX_ITEMS, MAX_TEXT, freeze, redact, redact_all, redact_client
from tests.kit.requirement import requirement

REGISTERED = ("https://app.example/callback", "https://preview-2024x7.app.example/cb?tenant=blue123")
SECRET = "canaryQ7f3b9c2"


@requirement("OPS-06", "GEN-18")
@pytest.mark.parametrize(
    "received",
    [
        SECRET,
        f"tb_code_{SECRET}",
        f"https://user:{SECRET}@a.example/{SECRET}?{SECRET}={SECRET}#{SECRET}",
        f"https://a.example/cb?code={SECRET}",
        f"https://a.example/cb#token={SECRET}",
        f"https://a.example:443/{SECRET}/cb",
        base64.b64encode(SECRET.encode() * 3).decode(),
        SECRET + "x" * 3000,
        "https://a.example/" + "qwertyuiopasdfghjklzxcvbnmqwertyuio",
        "https://a.example/QwErTyUiOpAsDfGhJkLzXc",
        "https://pass@word@a.example/cb",
    ],
)
def test_what_could_be_a_secret_is_a_number_of_characters(received: str) -> None:
    shown = redact(received, REGISTERED) or ""
    secrets = (SECRET, "Y2FuYXJ5", "qwertyuiop", "QwErTy", "pass", "word")
    assert not any(secret in shown for secret in secrets), shown
    assert "characters]" in shown or "[userinfo]" in shown


@requirement("OPS-06")
@pytest.mark.parametrize(
    "received",
    [
        "https://app.example/callback/",
        "http://app.example/callback",
        "http://localhost:3000/oauth2/callback",
        "com.example.app:/oauth",
        "openid github:read:org",
        REGISTERED[1],
        "https://app.example/cb?tenant=blue123",
        "urn:ietf:params:oauth:grant-type:device_code",
    ],
)
def test_words_and_what_is_registered_are_shown(received: str) -> None:
    assert redact(received, (*REGISTERED, "urn:ietf:params:oauth:grant-type:device_code")) == received


@requirement("OPS-06")
def test_what_is_noted_is_bounded_printable_and_frozen() -> None:
    noted = freeze({"a": "x\x1b[2J\u202e\u0430y", "b": "z" * 5000, "c": {f"s{n:03}" for n in range(90)}, "d": None})
    assert noted["a"] == "x\\x1b[2J\\u202e\\u0430y"
    assert len(noted["b"]) == MAX_TEXT and len(noted["c"]) == MAX_ITEMS and noted["c"][0] == "s000"
    assert "d" not in noted
    with pytest.raises(TypeError):
        noted["a"] = ""  # type: ignore[index]


@requirement("OPS-06")
def test_what_was_noted_first_stands_and_goes_on_with_the_refusal() -> None:
    first = InvalidRequest("one").noting(received="inner", client_id="a")
    outer = InvalidRequest("two").because_of(first).noting(received="outer", endpoint="POST /token")
    assert dict(outer.evidence) == {"received": "inner", "client_id": "a", "endpoint": "POST /token"}
    assert dict(InvalidRequest("three").because_of(None).evidence) == {}


@requirement("OPS-06")
def test_a_client_id_is_shown_in_its_shape_alone() -> None:
    assert redact_client("0123456789abcdef" * 2) == "0123456789abcdef" * 2
    assert redact_client("0123456789abcdef" * 4) == "[64 characters]"
    assert redact_client("https://app.example/client.json") == "https://app.example/client.json"
    assert redact_client(None) is None
    assert redact_all({"b", SECRET}) == ("[14 characters]", "b")
