"""`broker provider set --secret-from` where the secret is a private key that signs a JWT."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from local.fake.id_token import new_key_pair
from tests.kit.cli.operator import Done, Operator
from tests.kit.providers.team_provider import team_text
from tests.kit.requirement import requirement


def signs(provider_id: str, algorithm: str) -> str:
    more = f'[client_assertion]\nalgorithm = "{algorithm}"\naudience = "https://login.team.example"\n'
    return team_text(more, provider_id=f'"{provider_id}"', token_endpoint_auth_method='"client_assertion"')


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")


@pytest.fixture
def put(typed: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Done]]:
    """`broker provider set` with a key from a file, in a deployment that knows three providers that take signatures."""
    for provider_id, algorithm in (("curve", "ES256"), ("other", "ES256"), ("primes", "RS256")):
        (tmp_path / f"{provider_id}.toml").write_text(signs(provider_id, algorithm))
    monkeypatch.setenv("BROKER_PROVIDER_DIRS", str(tmp_path))

    def run(provider_id: str, secret: str, source: str = "") -> Done:
        (tmp_path / "key.pem").write_text(secret)
        words = ("--client-id", f"us-at-{provider_id}", "--secret-from", source or f"file:{tmp_path / 'key.pem'}")
        done = typed("provider", "set", provider_id, *words, "--json")
        inside = [line for line in secret.splitlines() if len(line) > 20 and "-----" not in line]
        assert not any(line in done.out + done.err for line in inside)
        return done

    yield run


ES256, RS256 = new_key_pair("ES256")[0], new_key_pair("RS256")[0]


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, password: bytes | None = None) -> str:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


@requirement("TOK-06")
def test_a_key_is_taken_from_a_file_a_variable_and_standard_input(
    put: Callable[..., Done], broker: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert put("curve", ES256).json["switched_on"] is True
    monkeypatch.setenv("KEY", RS256)
    assert put("primes", RS256, "env:KEY").json["switched_on"] is True
    words = ("provider", "set", "curve", "--client-id", "us-at-curve", "--secret-from", "-")
    assert broker.made(*words, typed=ES256, BROKER_PROVIDER_DIRS=str(tmp_path))["switched_on"] is True


@requirement("TOK-06")
@pytest.mark.parametrize(
    ("provider_id", "secret", "wanted"),
    [
        ("curve", "a shared secret", "not a private key in PEM"),
        ("curve", RS256, "of the curve P-256"),
        ("primes", ES256, "of RSA with at least 2048 bits"),
        ("curve", pem(ec.generate_private_key(ec.SECP384R1())), "of the curve P-256"),
        ("primes", pem(rsa.generate_private_key(65537, 1024)), "of RSA with at least 2048 bits"),
        ("curve", pem(ec.generate_private_key(ec.SECP256R1()), password=b"locked"), "without a password"),
        (
            "curve",
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "not a private key in PEM",
        ),
    ],
    ids=["a word", "RSA", "P-256", "P-384", "RSA 1024", "encrypted", "public"],
)
def test_what_cannot_sign_there_is_refused(
    put: Callable[..., Done], provider_id: str, secret: str, wanted: str
) -> None:
    put(provider_id, secret).refused(wanted, "signs with")


@requirement("TOK-06")
def test_one_key_proves_us_at_one_provider_alone(put: Callable[..., Done]) -> None:
    mine = new_key_pair("ES256")[0]
    assert put("curve", mine).code == 0
    put("other", mine).refused("this key already signs for curve")
    assert put("curve", mine).code == 0
    assert put("other", new_key_pair("ES256")[0]).code == 0


def test_a_file_that_is_not_there_is_said(put: Callable[..., Done]) -> None:
    put("curve", "x", "file:/nowhere/key.pem").refused("/nowhere/key.pem cannot be read")
