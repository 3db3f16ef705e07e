"""broker client create and update with keys: what is registered proves the app, and a private key is never taken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.kit.cli.operator import Done, Operator
from tests.kit.http.assertions import ClientKey, as_form, good_claims, new_key, sign
from tests.kit.http.browser import FORM, request
from tests.kit.requirement import requirement

METHOD = ("--auth-method", "private_key_jwt")
CREATE = ("client", "create", "--name", "Keyed", "--for-itself")


@pytest.fixture(scope="module", autouse=True)
def ready(broker: Operator) -> None:
    broker.made("init")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    def write(*keys: Any) -> str:
        path = tmp_path / f"keys-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"keys": [key.public if isinstance(key, ClientKey) else key for key in keys]}))
        return str(path)

    return write


@requirement("FAPI-17")
def test_under_the_profile_only_what_fits_is_registered(broker: Operator, file: Any) -> None:
    profile: dict[str, str | None] = {"BROKER_PROFILE": "fapi2"}
    place = ("--redirect-uri", "https://app.example/cb")
    begins = ("client", "create", "--name", "Bank", *place)
    keyed = (*METHOD, "--jwks", file(new_key("ES256", "one")))
    broker(*begins, **profile).refused("client_without_private_key_jwt", "--auth-method private_key_jwt")
    rs256 = (*METHOD, "--jwks", file(new_key("RS256", "two")), "--auth-signing-alg", "RS256")
    broker(*begins, *rs256, **profile).refused("client_signs_by_another_algorithm", "--auth-signing-alg ES256")
    plain = ("--redirect-uri", "http://127.0.0.1/cb")
    broker(*begins, *plain, *keyed, **profile).refused("redirect_uri_not_encrypted", "--native")
    broker(*begins, *keyed, "--device", **profile).refused("device_code", "--device")
    made = broker.made(*begins, *keyed, **profile)
    assert made["dpop_bound_access_tokens"] and made["require_pushed_authorization_requests"]
    change = ("client", "update", made["client_id"], *rs256)
    broker(*change, **profile).refused("client_signs_by_another_algorithm")
    assert broker.made(*change)["token_endpoint_auth_signing_alg"] == "RS256", "without the profile it may"


def proves(broker: Operator, client_id: str, key: ClientKey, now: int) -> bool:
    """The app gets a token of its own."""
    issuer = broker.environ["BROKER_ISSUER"]
    form = {"grant_type": "client_credentials", **as_form(sign(good_claims(issuer, client_id, now), key))}
    netloc = issuer.removeprefix("http://")
    return request(netloc, "POST", "/token", body=urlencode(form), headers={"Content-Type": FORM}).status == 200


@requirement("TOK-05")
def test_an_app_with_keys_is_registered_shown_and_given_others(broker: Operator, clock: Any, file: Any) -> None:
    first, second = new_key("ES256", "one"), new_key("PS256", "two")
    made = broker.made(*CREATE, *METHOD, "--jwks", file(first))
    assert "client_secret" not in made and made["revision"] == 1
    assert made["jwks"] == [first.public]
    assert proves(broker, made["client_id"], first, clock.now())
    changed = broker.made("client", "update", made["client_id"], "--jwks", file(first, second))
    assert (changed["revision"], len(changed["jwks"])) == (2, 2)
    assert proves(broker, made["client_id"], second, clock.now())
    placed = broker.made("client", "update", made["client_id"], "--jwks-uri", "https://app.example/jwks")
    assert (placed["revision"], placed["jwks"], placed["jwks_uri"]) == (3, [], "https://app.example/jwks")
    back = ("client", "update", made["client_id"], "--jwks", file(second), "--auth-signing-alg", "PS256")
    again = broker.made(*back)
    assert (again["revision"], again["jwks_uri"], again["token_endpoint_auth_signing_alg"]) == (4, None, "PS256")
    assert broker.made("client", "show", made["client_id"]) == again


@requirement("TOK-05", "TOK-02")
def test_an_app_with_a_secret_changes_to_keys_and_its_secret_ends(broker: Operator, clock: Any, file: Any) -> None:
    made, key = broker.made(*CREATE, "--auth-method", "client_secret_post"), new_key()
    update = ("client", "update", made["client_id"], "--jwks", file(key))
    broker(*update).refused("authenticates by client_secret_post")
    changed = broker.made(*update, *METHOD)
    assert (changed["token_endpoint_auth_method"], changed["secrets"], changed["revision"]) == (METHOD[1], [], 2)
    assert proves(broker, made["client_id"], key, clock.now())
    broker("client", "secret", "rotate", made["client_id"]).refused("has no secret")


@requirement("TOK-05")
def test_what_is_no_set_of_public_keys_is_refused_with_what_to_do(
    typed: Callable[..., Done], file: Any, tmp_path: Path
) -> None:
    key = new_key()
    private = {**key.private.as_dict(private=True), "kid": "key-1"}
    words = (*CREATE, *METHOD, "--jwks")
    typed(*words, file(private)).refused("throw it away")
    typed(*words, file(key, key)).refused("the same kid")
    typed(*words, file({**key.public, "kid": ""})).refused("needs a kid")
    typed(*words, file()).refused("one to 8")
    typed(*words, file({"kty": "oct", "k": "c2VjcmV0", "kid": "a"})).refused("shared secret")
    typed(*words, file(key), "--auth-signing-alg", "RS256").refused("no algorithm")
    typed(*words, str(tmp_path / "absent.json")).refused("cannot be read")
    (tmp_path / "pem.json").write_text("-----BEGIN PUBLIC KEY-----")
    typed(*words, str(tmp_path / "pem.json")).refused("not JSON")


@requirement("TOK-05", "REG-02")
def test_keys_go_with_their_method_and_their_method_with_keys(typed: Callable[..., Done], file: Any) -> None:
    keys = file(new_key())
    typed(*CREATE, *METHOD).refused("either --jwks or --jwks-uri")
    typed(*CREATE, *METHOD, "--jwks", keys, "--jwks-uri", "https://app.example/jwks").refused("either --jwks or")
    typed(*CREATE, "--auth-method", "client_secret_basic", "--jwks", keys).refused("only a client of --auth-method")
    typed(*CREATE, *METHOD, "--jwks-uri", "http://app.example/jwks").refused("https address")
    made = typed(*CREATE, *METHOD, "--jwks", keys, "--json").json
    typed("client", "update", made["client_id"], "--proxy-allow-all", *METHOD).refused("need keys")
