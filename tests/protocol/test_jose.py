"""Our own JWTs and providers' ID tokens, against the corpus and against joserfc, a library written by others."""

import base64
import hashlib
import hmac
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

import joserfc.jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import JWKRegistry

from chalicelib.protocol import jose, jws
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.id_token import IssuerByClaim, verify_provider_id_token
from chalicelib.protocol.key_sets import PRIVATE_MEMBERS
from chalicelib.records.keyset import Key
from tests.requirement import requirement

NOW = 1_800_000_000
DER, STRANGER_DER = jose.new_signing_key(), jose.new_signing_key()
JWK = jose.public_jwk(DER)
KEY = Key(version=1, secret=DER, kid=JWK["kid"])
KEYS = {JWK["kid"]: JWK}
CORPUS = tomllib.loads((Path(__file__).parents[1] / "corpora" / "jose.txt").read_text())


@dataclass(frozen=True)
class Kind:
    """One of the two readers of tokens: what it takes, and what a good token of it says."""

    host: str
    audience: str
    typ: str
    more: tuple

    @property
    def issuer(self):
        return f"https://{self.host}"

    def claims(self):
        times = {"iat": NOW, "exp": NOW + 600}
        return {"iss": self.issuer, "sub": "alice", "aud": self.audience, **times, **dict(self.more)}

    def verify(self, token, *, now=NOW, **changes):
        if self is OWN:
            given = {"keys": KEYS, "typ": self.typ, "issuer": self.issuer, "audience": self.audience, "now": now}
            return jose.verify_own(token, **given | changes)
        given = {"jwks": {"keys": [JWK]}, "algorithms": ("ES256",), "issuer": self.issuer, "now": now}
        given |= {"client_id": self.audience, "nonce": "n-1"}
        return verify_provider_id_token(token, **given | changes)


OWN = Kind("broker.example", "https://broker.example", "at+jwt", (("client_id", "c" * 32), ("jti", "1")))
PROVIDER = Kind("provider.example", "our-client-id", "JWT", (("nonce", "n-1"),))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign_with(der, data):
    return jws._ALGORITHMS["ES256"].sign(data, jose._private_key(der))


SIGNERS = {
    "right": lambda data: sign_with(DER, data),
    "stranger": lambda data: sign_with(STRANGER_DER, data),
    "hmac_of_key": lambda data: hmac.new(json.dumps(JWK).encode(), data, hashlib.sha256).digest(),
    "zero": lambda data: bytes(64),
    "nothing": lambda data: b"",
}


def compact(header, claims, signed_by="right"):
    signing_input = f"{b64(header.encode('latin-1'))}.{b64(claims.encode())}"
    return f"{signing_input}.{b64(SIGNERS[signed_by](signing_input.encode()))}"


def with_signature(change):
    def rewrite(token, kind):
        front, _, signature = token.rpartition(".")
        return f"{front}.{b64(change(unb64(signature)))}"

    return rewrite


def with_segment(number, change):
    def rewrite(token, kind):
        segments = token.split(".")
        segments[number] = b64(change(unb64(segments[number])))
        return ".".join(segments)

    return rewrite


def der_of(signature):
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def long_subject(token, kind):
    return good(kind, claims={"sub": "a" * 256})


def json_serialization(token, kind):
    protected, payload, signature = token.split(".")
    return json.dumps({"protected": protected, "payload": payload, "signature": signature})


REWRITES = {
    "deep_header": with_segment(0, lambda header: b"[" * 700 + b"]" * 700),
    "other_claims": with_segment(1, lambda claims: claims.replace(b"alice", b"admin")),
    "blank_in_header": with_segment(0, lambda header: header.replace(b'": "', b'":"', 1)),
    "der_signature": with_signature(der_of),
    "short_signature": with_signature(lambda signature: signature[:-1]),
    "long_signature": with_signature(lambda signature: signature + b"\0"),
    "spare_bits": lambda token, kind: token[:-1] + chr(ord(token[-1]) + 1),
    "padding": lambda token, kind: token + "==",
    "plain_base64": lambda token, kind: f"{token[:-4]}+/+/",
    "line_feed": lambda token, kind: token + "\n",
    "blank_in_front": lambda token, kind: " " + token,
    "cyrillic": lambda token, kind: "е" + token[1:],
    "impossible_length": lambda token, kind: token + "AAA",
    "two_segments": lambda token, kind: token.rpartition(".")[0],
    "four_segments": lambda token, kind: token + ".AAAA",
    "five_segments": lambda token, kind: token + ".AAAA.AAAA",
    "json_serialization": json_serialization,
    "nothing": lambda token, kind: "",
    "very_long": lambda token, kind: good(kind, claims={"pad": "a" * 20_000}),
    "long_subject": long_subject,
}


def filled(value, kind):
    """The value with the names of the corpus replaced, at any depth."""
    names = {"$KID": JWK["kid"], "$TYP": kind.typ, "$ISSUER": kind.issuer, "$HOST": kind.host}
    text = json.dumps(value)
    for name, meaning in (names | {"$AUDIENCE": kind.audience}).items():
        text = text.replace(name, meaning)
    return json.loads(text)


def good(kind, *, header=None, claims=None, signed_by="right"):
    header = {"alg": "ES256", "kid": JWK["kid"], "typ": kind.typ} | (header or {})
    return compact(json.dumps(header), json.dumps(kind.claims() | (claims or {})), signed_by)


def tricky(trick, kind):
    header = {"alg": "ES256", "kid": JWK["kid"], "typ": kind.typ} | filled(trick.get("header", {}), kind)
    claims = kind.claims() | filled(trick.get("claims", {}), kind)
    header = {name: value for name, value in header.items() if name not in trick.get("without", ())}
    claims = {name: value for name, value in claims.items() if name not in trick.get("without_claims", ())}
    header_text = trick.get("header_json", json.dumps(header)).replace("$KID", JWK["kid"]).replace("$TYP", kind.typ)
    header_text = header_text.replace("\\xff", "\xff")
    token = compact(header_text, trick.get("claims_json", json.dumps(claims)), trick.get("signed_by", "right"))
    return REWRITES[trick["rewrite"]](token, kind) if "rewrite" in trick else token


def all_tricks():
    for section, kinds in (("both", (OWN, PROVIDER)), ("own", (OWN,)), ("provider", (PROVIDER,))):
        for name, trick in CORPUS[section].items():
            for kind in kinds:
                yield pytest.param(trick, kind, id=f"{name}-{'own' if kind is OWN else 'provider'}")


def reason_of(call, *args, **kwargs):
    with pytest.raises(InvalidToken) as refusal:
        call(*args, **kwargs)
    return refusal.value.reason


@requirement("TOK-10", "CB-08", "INT-03")
@pytest.mark.parametrize(("trick", "kind"), list(all_tricks()))
def test_a_tricky_token_is_refused_for_the_named_reason(trick, kind):
    assert reason_of(kind.verify, tricky(trick, kind)) == trick["reason"]


@requirement("TOK-10")
def test_a_good_token_is_read_and_says_what_was_signed():
    """Else a trick could be refused for what it does not try."""
    assert OWN.verify(good(OWN)) == OWN.claims()
    assert PROVIDER.verify(good(PROVIDER)) == PROVIDER.claims()


@requirement("META-03")
def test_what_we_sign_others_can_verify_from_our_key_set():
    token = jose.sign(OWN.claims(), key=KEY, typ="at+jwt")
    published = jose.jwks_document([JWK])["keys"][0]
    read = joserfc.jwt.decode(token, JWKRegistry.import_key(published), algorithms=["ES256"])
    assert read.claims == OWN.claims()
    assert read.header == {"alg": "ES256", "kid": JWK["kid"], "typ": "at+jwt"}
    assert OWN.verify(token) == OWN.claims()


@requirement("META-03")
def test_the_kid_is_the_thumbprint_that_others_compute():
    assert JWKRegistry.import_key(JWK).thumbprint() == JWK["kid"]


@requirement("META-03")
@pytest.mark.parametrize("member", sorted(PRIVATE_MEMBERS))
def test_a_private_member_is_never_published(member):
    with pytest.raises(ValueError, match="public members"):
        jose.jwks_document([JWK | {member: "secret"}])


@requirement("META-03")
@pytest.mark.parametrize("member", sorted(jose.PUBLIC_MEMBERS))
def test_a_key_without_one_of_its_members_is_not_published(member):
    with pytest.raises(ValueError, match="public members"):
        jose.jwks_document([{name: value for name, value in JWK.items() if name != member}])


@requirement("META-03")
def test_two_keys_with_one_kid_are_not_published():
    other = jose.public_jwk(STRANGER_DER)
    assert len(jose.jwks_document([JWK, other])["keys"]) == 2
    with pytest.raises(ValueError, match="one kid"):
        jose.jwks_document([JWK, other | {"kid": JWK["kid"]}])


@requirement("META-03")
def test_only_a_p_256_key_signs():
    for wrong in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        der = wrong.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(ValueError, match="P-256"):
            jose.public_jwk(der)


@requirement("INT-03")
def test_our_own_token_ends_at_its_last_second_without_leeway():
    token = good(OWN, claims={"exp": NOW})
    assert OWN.verify(token, now=NOW - 1)
    assert reason_of(OWN.verify, token, now=NOW) == "token_expired"


@requirement("INT-03")
@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_our_own_token_may_begin_ten_seconds_ahead(name):
    assert OWN.verify(good(OWN, claims={name: NOW + 10}))
    assert reason_of(OWN.verify, good(OWN, claims={name: NOW + 11})) in ("token_from_the_future", "token_not_yet_valid")


@requirement("INT-03")
def test_without_an_expected_audience_any_single_one_is_read_and_no_list():
    assert OWN.verify(good(OWN, claims={"aud": "https://api.example"}), audience=None)["aud"] == "https://api.example"
    assert reason_of(OWN.verify, good(OWN, claims={"aud": ["a"]}), audience=None) == "audience_wrong"


@requirement("INT-03")
def test_an_access_token_does_not_pass_as_an_id_token_nor_the_other_way_round():
    id_token = jose.sign({**OWN.claims(), "aud": "c" * 32}, key=KEY, typ="JWT")
    assert OWN.verify(id_token, typ="JWT", audience="c" * 32)
    assert reason_of(OWN.verify, id_token, audience="c" * 32) == "type_wrong"
    assert reason_of(OWN.verify, jose.sign(OWN.claims(), key=KEY, typ="at+jwt"), typ="JWT") == "type_wrong"


@requirement("TOK-10")
def test_a_key_set_of_ours_with_a_broken_key_refuses():
    broken = {JWK["kid"]: JWK | {"x": "AAAA"}}
    assert reason_of(OWN.verify, good(OWN), keys=broken) == "key_malformed"
    assert reason_of(OWN.verify, good(OWN), keys={JWK["kid"]: {}}) == "key_malformed"


@requirement("CB-08")
def test_a_providers_token_has_a_minute_of_leeway_at_either_end():
    assert PROVIDER.verify(good(PROVIDER, claims={"exp": NOW - 59}))
    assert reason_of(PROVIDER.verify, good(PROVIDER, claims={"exp": NOW - 60})) == "token_expired"
    assert PROVIDER.verify(good(PROVIDER, claims={"iat": NOW + 60, "nbf": NOW + 60.5}), now=NOW + 1)
    assert reason_of(PROVIDER.verify, good(PROVIDER, claims={"iat": NOW + 61})) == "token_from_the_future"
    assert reason_of(PROVIDER.verify, good(PROVIDER, claims={"exp": NOW - 1}), leeway=0) == "token_expired"


@requirement("CB-08")
def test_several_audiences_are_fine_where_we_are_the_authorized_party():
    assert PROVIDER.verify(good(PROVIDER, claims={"aud": [PROVIDER.audience, "project"], "azp": PROVIDER.audience}))
    assert PROVIDER.verify(good(PROVIDER, claims={"aud": [PROVIDER.audience]}))


@requirement("CB-08")
@pytest.mark.parametrize(
    ("issuer", "one"),
    [
        ("https://login.example/0a-1/v2.0", True),
        ("https://login.example/common/v2.0", False),
        ("https://login.example/{tid}/v2.0", False),
        ("https://login.example//v2.0", False),
        ("https://login.example/0a-1", False),
        ("0a-1", False),
        ("", False),
    ],
)
def test_the_issuer_of_one_tenant_is_told_from_the_common_name_of_several(issuer, one):
    assert BY_TENANT.names_one(issuer) is one


BY_TENANT = IssuerByClaim(template="https://login.example/{tid}/v2.0", claim="tid", pattern="[0-9a-f-]{4}")


@requirement("CB-08")
def test_a_token_of_a_provider_with_tenants_has_the_issuer_of_its_tenant():
    claims = {"tid": "0a-1", "iss": "https://login.example/0a-1/v2.0"}
    assert PROVIDER.verify(good(PROVIDER, claims=claims), issuer=BY_TENANT)["iss"] == claims["iss"]


@requirement("CB-08")
@pytest.mark.parametrize(
    ("tenant", "issuer"),
    [
        ("0a-1", "https://login.example/0a-2/v2.0"),
        ("0a-1", "https://login.example/{tid}/v2.0"),
        ("common", "https://login.example/common/v2.0"),
        ("0a-1/", "https://login.example/0a-1//v2.0"),
        ("0a-1\n", "https://login.example/0a-1\n/v2.0"),
        ("0a-1@evil.example", "https://login.example/0a-1@evil.example/v2.0"),
        ("", "https://login.example//v2.0"),
        (["0a-1"], "https://login.example/0a-1/v2.0"),
        (None, "https://login.example/{tid}/v2.0"),
        (None, None),
    ],
)
def test_a_tenant_that_is_another_or_none_proves_no_issuer(tenant, issuer):
    token = good(PROVIDER, claims={"tid": tenant, "iss": issuer})
    assert reason_of(PROVIDER.verify, token, issuer=BY_TENANT) == "issuer_wrong"


@requirement("CB-08")
def test_a_profile_without_nonce_asks_for_none():
    assert PROVIDER.verify(good(PROVIDER, claims={"nonce": "whatever"}), nonce=None)


@requirement("CB-08")
def test_a_token_without_a_type_is_read():
    header = json.dumps({"alg": "ES256", "kid": JWK["kid"]})
    assert PROVIDER.verify(compact(header, json.dumps(PROVIDER.claims())))


@requirement("TOK-10", "CB-08")
@pytest.mark.parametrize("name", ["none", "HS256", "HS512", "RS1", "ES256K"])
def test_a_provider_file_cannot_switch_an_unsafe_algorithm_on(name):
    token = good(PROVIDER, header={"alg": name})
    assert reason_of(PROVIDER.verify, token, algorithms=(name,)) == "algorithm_wrong"


def public(key, **members):
    """The public JWK of a key of cryptography's, as joserfc writes it."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kind = "RSA" if isinstance(key, rsa.RSAPrivateKey) else "EC" if hasattr(key, "curve") else "OKP"
    private = JWKRegistry.import_key(pem, kind)
    return private, private.as_dict(private=False) | {"kid": "k"} | members


KEYS_OF_OTHERS = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS384": lambda: rsa.generate_private_key(65537, 2048),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@requirement("CB-08")
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", KEYS_OF_OTHERS)
def test_every_algorithm_of_the_table_reads_what_another_library_signed(algorithm):
    private, jwk = public(KEYS_OF_OTHERS[algorithm]())
    header = {"alg": algorithm, "kid": "k"}
    token = joserfc.jwt.encode(header, PROVIDER.claims(), private, algorithms=[algorithm])
    given = {"jwks": {"keys": [JWK, jwk]}, "algorithms": (algorithm,)}
    assert PROVIDER.verify(token, **given) == PROVIDER.claims()
    assert reason_of(PROVIDER.verify, token, algorithms=("ES256",)) == "algorithm_wrong"


@requirement("CB-08")
@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_short_rsa_key_is_refused():
    private, jwk = public(rsa.generate_private_key(65537, 1024))
    token = joserfc.jwt.encode({"alg": "RS256", "kid": "k"}, PROVIDER.claims(), private, algorithms=["RS256"])
    assert reason_of(PROVIDER.verify, token, jwks={"keys": [jwk]}, algorithms=("RS256",)) == "key_too_short"


@requirement("CB-08", "TOK-10")
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"use": "enc"}, "kid_unknown"),
        ({"alg": "ES384"}, "kid_unknown"),
        ({"alg": "HS256"}, "kid_unknown"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "kid_unknown"),
        ({"kty": "RSA"}, "kid_unknown"),
        ({"crv": "P-384"}, "kid_unknown"),
        ({"d": "AAAA"}, "kid_unknown"),
        ({"key_ops": ["sign"]}, "kid_unknown"),
        ({"key_ops": "verify"}, "kid_unknown"),
        ({"kid": "another"}, "kid_unknown"),
        ({"x": "AAAA"}, "key_malformed"),
        ({"x": None}, "key_malformed"),
        ({"x": 7}, "key_malformed"),
    ],
)
def test_a_key_that_is_not_meant_for_this_is_not_used(members, reason):
    assert reason_of(PROVIDER.verify, good(PROVIDER), jwks={"keys": ["no key", JWK | members]}) == reason


@requirement("CB-08")
def test_without_a_kid_only_the_only_fitting_key_is_used():
    token = compact(json.dumps({"alg": "ES256"}), json.dumps(PROVIDER.claims()))
    assert PROVIDER.verify(token, jwks={"keys": [{"kty": "oct", "k": "AA"}, JWK]})
    two = {"keys": [JWK, jose.public_jwk(STRANGER_DER)]}
    assert reason_of(PROVIDER.verify, token, jwks=two) == "kid_ambiguous"


@requirement("CB-08")
def test_two_keys_with_one_kid_are_not_tried_in_turn():
    two = {"keys": [JWK, jose.public_jwk(STRANGER_DER) | {"kid": JWK["kid"]}]}
    assert reason_of(PROVIDER.verify, good(PROVIDER), jwks=two) == "kid_ambiguous"


@requirement("CB-08")
@pytest.mark.parametrize("jwks", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_a_key_set_without_a_list_is_refused(jwks):
    assert reason_of(PROVIDER.verify, good(PROVIDER), jwks=jwks) == "key_set_malformed"
