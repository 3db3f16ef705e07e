"""The public keys that a client registers: which are taken, what is kept of them, and which are refused for what."""

import pytest
from joserfc.jwk import ECKey, JWKRegistry, OctKey, OKPKey, RSAKey

from chalicelib.protocol.client_assertion import ASSERTION_ALGORITHMS
from chalicelib.protocol.client_keys import MAX_KEYS, UnusableKeys, parse_client_keys
from chalicelib.protocol.errors import InvalidClientMetadata
from chalicelib.protocol.jwk_selection import PRIVATE_MEMBERS
from chalicelib.protocol.jws import encode_segment
from chalicelib.protocol.registration import open_policy, parse_registration
from tests.kit.requirement import requirement

EC, ED, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
SHORT = RSAKey.generate_key(1024)


def public(key, kid="k", **members):
    return {**key.as_dict(private=False), "kid": kid, **members}


def reason_of(*keys, **given):
    with pytest.raises(UnusableKeys) as refusal:
        parse_client_keys({"keys": list(keys)}, **given)
    return refusal.value.reason


@requirement("TOK-05")
def test_each_kind_of_key_is_taken_and_only_its_public_members_are_kept():
    more = {"use": "sig", "key_ops": ["verify"], "x5t": "abc", "iat": 1, "alg": "ES256"}
    taken = parse_client_keys({"keys": [public(EC, "a", **more), public(ED, "b"), public(RSA, "c")], "other": 1})
    assert [set(key) for key in taken] == [
        {"kty", "kid", "use", "alg", "crv", "x", "y"},
        {"kty", "kid", "crv", "x"},
        {"kty", "kid", "n", "e"},
    ]
    assert JWKRegistry.import_key(taken[0]).thumbprint() == EC.thumbprint()


@requirement("TOK-05")
@pytest.mark.parametrize("member", sorted(PRIVATE_MEMBERS))
def test_a_private_member_is_refused_wherever_it_stands(member):
    assert reason_of(public(EC, **{member: "AAAA"})) == "key_private"
    with pytest.raises(UnusableKeys, match="throw it away"):
        parse_client_keys({**public(EC), member: "AAAA"})
    assert reason_of(public(EC), {"kty": "new kind", "kid": "x", "use": "enc", member: "AAAA"}) == "key_private"


@requirement("TOK-05")
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (OctKey.generate_key(256).as_dict(private=True), "key_symmetric"),
        (public(SHORT), "key_size"),
        (public(RSA, n=encode_segment(b"\xff" * 1025)), "key_size"),
        (public(RSA, n=encode_segment(b"\xff" * 640)), "key_size"),
        (public(RSA, e=encode_segment(b"\xff" * 8)), "key_size"),
        (public(RSA, e="AA"), "key_malformed"),
        (public(RSA, n=None), "key_malformed"),
        (public(EC, y=EC.as_dict(private=False)["x"]), "key_malformed"),
        (public(EC, x="AAAA"), "key_malformed"),
        (public(EC, x=7), "key_malformed"),
        (public(EC, crv="P-384"), "key_malformed"),
        (public(EC, crv="secp256k1"), "key_not_offered"),
        (public(EC, crv="P-521"), "key_not_offered"),
        (public(ED, crv="X25519"), "key_not_offered"),
        (public(ED, crv="Ed448"), "key_not_offered"),
        (public(ED, x="AAAA"), "key_malformed"),
        (public(EC, kty="RSA"), "key_malformed"),
        (public(EC, kty="ec"), "key_not_offered"),
        (public(EC, kty=["EC"]), "key_not_offered"),
        (public(EC, alg="ES384"), "key_not_offered"),
        (public(EC, alg="HS256"), "key_not_offered"),
        (public(RSA, alg="RSA-OAEP"), "key_not_offered"),
        (public(EC, kid=""), "kid_missing"),
        (public(EC, kid=1), "kid_missing"),
        (public(EC, kid=None), "kid_missing"),
        (public(EC, kid="k" * 1025), "key_size"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(key, reason):
    assert reason_of(key) == reason


@requirement("TOK-05")
@pytest.mark.parametrize(
    "document", [None, [], "keys", {}, {"keys": {}}, {"keys": []}, {"keys": ["k"]}, {"keys": [None]}]
)
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(UnusableKeys) as refusal:
        parse_client_keys(document)
    assert refusal.value.reason == "keys_malformed"


@requirement("TOK-05")
def test_keys_have_different_names_and_there_are_not_too_many():
    assert reason_of(public(EC), public(ED)) == "kid_repeated"
    many = [public(EC, f"k{number}") for number in range(MAX_KEYS + 1)]
    assert len(parse_client_keys({"keys": many[:-1]})) == MAX_KEYS
    assert reason_of(*many) == "keys_malformed"


@requirement("TOK-05")
def test_keys_for_encryption_are_left_out_and_are_no_way_in_alone():
    enc = public(RSA, "enc", use="enc", alg="RSA-OAEP")
    assert parse_client_keys({"keys": [enc, public(EC)]}) == (public(EC),)
    assert reason_of(enc) == "key_not_offered"
    assert reason_of(public(RSA, key_ops=["encrypt"])) == "key_not_offered"


@requirement("TOK-05")
def test_one_key_fits_the_algorithm_that_the_client_will_use():
    assert parse_client_keys({"keys": [public(EC, "a"), public(RSA, "b")]}, algorithm="PS256")
    assert reason_of(public(EC), algorithm="PS256") == "key_not_offered"
    assert reason_of(public(RSA, alg="RS256"), algorithm="PS256") == "key_not_offered"


def register(**members):
    document = {"redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "private_key_jwt", **members}
    scopes = frozenset({"openid"})
    return parse_registration(document, open_policy(scopes, "none"), default_scopes=scopes)


@requirement("REG-02")
@pytest.mark.parametrize("algorithm", [None, *ASSERTION_ALGORITHMS])
def test_a_registration_names_its_keys_or_their_place(algorithm):
    keys = {"keys": [public(EC, "a"), public(RSA, "b"), public(ED, "c"), public(ECKey.generate_key("P-384"), "d")]}
    named = register(jwks=keys, token_endpoint_auth_signing_alg=algorithm).keys
    assert (len(named.jwks), named.jwks_uri, named.algorithm) == (4, None, algorithm)
    placed = register(jwks_uri="https://app.example/jwks", token_endpoint_auth_signing_alg=algorithm).keys
    assert (placed.jwks, placed.jwks_uri, placed.algorithm) == ((), "https://app.example/jwks", algorithm)


@requirement("REG-02")
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"jwks": {"keys": [public(EC)]}, "jwks_uri": "https://app.example/jwks"},
        {"jwks": {"keys": [EC.as_dict(private=True) | {"kid": "k"}]}},
        {"jwks": {"keys": [public(SHORT)]}},
        {"jwks": {"keys": []}},
        {"jwks": [public(EC)]},
        {"jwks": {"keys": [public(EC)]}, "token_endpoint_auth_signing_alg": "RS256"},
        {"jwks": {"keys": [public(EC)]}, "token_endpoint_auth_signing_alg": "HS256"},
        {"jwks": {"keys": [public(EC)]}, "token_endpoint_auth_signing_alg": "none"},
        {"jwks": {"keys": [public(EC)]}, "token_endpoint_auth_signing_alg": ["ES256"]},
        {"jwks_uri": "http://app.example/jwks"},
        {"jwks_uri": "https://10.0.0.1/jwks"},
        {"jwks_uri": "https://keys.internal/jwks"},
        {"jwks_uri": "https://user@app.example/jwks"},
        {"token_endpoint_auth_method": "none", "jwks": {"keys": [EC.as_dict(private=True)]}},
        {"token_endpoint_auth_method": "none", "token_endpoint_auth_signing_alg": "ES256"},
    ],
)
def test_a_registration_whose_keys_prove_nothing_is_refused(members):
    with pytest.raises(InvalidClientMetadata):
        register(**members)


@requirement("REG-02")
def test_keys_that_the_method_does_not_need_are_not_kept():
    assert register(token_endpoint_auth_method="none", jwks={"keys": [public(EC)]}).keys.jwks == ()
    assert register(token_endpoint_auth_method="none", jwks_uri="https://app.example/jwks").keys.jwks_uri is None
