"""Our own JWTs, ID tokens of providers and client assertions, against the corpus and against a library of others."""

import json

import joserfc.jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import JWKRegistry

from chalicelib.protocol import own_jwt
from chalicelib.protocol.jwk_selection import PRIVATE_MEMBERS
from chalicelib.protocol.provider_id_token import IssuerByClaim
from chalicelib.records.keyset import Key
from tests.data import find_faults
from tests.kit.jose import jose_tricks
from tests.kit.jose.jose_tricks import CORPUS, SECTIONS, lines_of, make, reason_for, texts, weak_without
from tests.kit.jose.jwt_readers import (
    BROKER,
    CLIENT_ID,
    DER,
    JWK,
    NOW,
    OWN,
    PROVIDER,
    STRANGER_DER,
    compact,
    reader,
    reason_of,
)
from tests.kit.jose.weak_jose import is_taken
from tests.kit.requirement import requirement

KEY = Key(version=1, secret=DER, kid=JWK["kid"])


ASSERTION = reader("assertion", CLIENT_ID, CLIENT_ID, BROKER, "client-authentication+jwt", jti="1")
READERS = {one.name: one for one in (OWN, PROVIDER, ASSERTION)}


def good(kind, *, header=None, claims=None):
    return jose_tricks.good(kind, header, **claims or {})


def all_tricks():
    for line in CORPUS:
        for name in SECTIONS[line.section]:
            yield pytest.param(line, READERS[name], id=f"{line.says}-{name}")


@requirement("TOK-10", "CB-08", "INT-03", "TOK-05")
@pytest.mark.parametrize(("line", "kind"), list(all_tricks()))
def test_a_tricky_token_is_refused_for_the_named_reason(line, kind):
    assert reason_of(kind.verify, make(line, kind)) == reason_for(line, kind)


def readers_of(line):
    return [READERS[name] for name in SECTIONS[line.section]]


@requirement("TOK-10")
def test_no_two_lines_are_one_trick_and_a_checker_with_the_hole_falls_for_each():
    def weak(line):
        return all(is_taken(make(line, kind), kind, weak_without(line)) for kind in readers_of(line))

    def made(line):
        more = (line.trick.get(name) for name in ("signed_by", "encoding", "rewrite"))
        return (texts(line, readers_of(line)[0]), *more)

    everything = frozenset().union(*map(weak_without, CORPUS))
    garbage = [("", everything), ("no token", everything), (json.dumps(OWN.claims()), everything)]
    control = [
        (f"{token!r} as {kind.name}", _is_taken_or_breaks(token, kind, without))
        for token, without in garbage
        for kind in READERS.values()
    ]
    assert find_faults(CORPUS, made=made, weak=weak, least=160, control=control) == []
    assert len(lines_of("assertion")) >= 80 and len(lines_of("own")) >= 80


def _is_taken_or_breaks(token, kind, without):
    try:
        return is_taken(token, kind, without)
    except (ValueError, AssertionError, LookupError):
        return False


@requirement("TOK-10")
def test_a_line_tries_what_it_says_and_nothing_else():
    """The checker refuses each line while it has no hole, and while it lacks one of the holes that the line names."""
    for line in CORPUS:
        tokens = [(make(line, kind), kind) for kind in readers_of(line)]
        assert not any(is_taken(*one) for one in tokens), line.name
        for hole in weak_without(line):
            assert not all(is_taken(*one, weak_without(line) - {hole}) for one in tokens), (line.name, hole)
    assert all(is_taken(good(kind), kind) for kind in READERS.values())


@requirement("TOK-10")
@pytest.mark.parametrize("name", READERS)
def test_a_header_nested_very_deeply_is_refused(name):
    deep = "[" * 50_000 + "]" * 50_000
    assert READERS[name].verify(good(READERS[name]))
    token = compact(deep, json.dumps(READERS[name].claims()))
    assert reason_of(READERS[name].verify, token).endswith("token_too_long")
    token = compact("[" * 2000 + "]" * 2000, "{}")
    assert reason_of(READERS[name].verify, token).endswith(("token_not_json", "token_not_an_object"))


@requirement("TOK-10")
def test_a_good_token_is_read_and_says_what_was_signed():
    """Else a trick could be refused for what it does not try."""
    assert OWN.verify(good(OWN)) == OWN.claims()
    assert PROVIDER.verify(good(PROVIDER)) == PROVIDER.claims()
    assert ASSERTION.verify(good(ASSERTION)) == ASSERTION.claims()


@requirement("META-03")
def test_what_we_sign_others_can_verify_from_our_key_set():
    token = own_jwt.sign(OWN.claims(), key=KEY, typ="at+jwt")
    published = own_jwt.jwks_document([JWK])["keys"][0]
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
        own_jwt.jwks_document([JWK | {member: "secret"}])


@requirement("META-03")
@pytest.mark.parametrize("member", sorted(own_jwt.PUBLIC_MEMBERS))
def test_a_key_without_one_of_its_members_is_not_published(member):
    with pytest.raises(ValueError, match="public members"):
        own_jwt.jwks_document([{name: value for name, value in JWK.items() if name != member}])


@requirement("META-03")
def test_two_keys_with_one_kid_are_not_published():
    other = own_jwt.public_jwk(STRANGER_DER)
    assert len(own_jwt.jwks_document([JWK, other])["keys"]) == 2
    with pytest.raises(ValueError, match="one kid"):
        own_jwt.jwks_document([JWK, other | {"kid": JWK["kid"]}])


@requirement("META-03")
def test_only_a_p_256_key_signs():
    for wrong in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        der = wrong.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(ValueError, match="P-256"):
            own_jwt.public_jwk(der)


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
    id_token = own_jwt.sign({**OWN.claims(), "aud": "c" * 32}, key=KEY, typ="JWT")
    assert OWN.verify(id_token, typ="JWT", audience="c" * 32)
    assert reason_of(OWN.verify, id_token, audience="c" * 32) == "type_wrong"
    assert reason_of(OWN.verify, own_jwt.sign(OWN.claims(), key=KEY, typ="at+jwt"), typ="JWT") == "type_wrong"


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
    two = {"keys": [JWK, own_jwt.public_jwk(STRANGER_DER)]}
    assert reason_of(PROVIDER.verify, token, jwks=two) == "kid_ambiguous"


@requirement("CB-08")
def test_two_keys_with_one_kid_are_not_tried_in_turn():
    two = {"keys": [JWK, own_jwt.public_jwk(STRANGER_DER) | {"kid": JWK["kid"]}]}
    assert reason_of(PROVIDER.verify, good(PROVIDER), jwks=two) == "kid_ambiguous"


@requirement("CB-08")
@pytest.mark.parametrize("jwks", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_a_key_set_without_a_list_is_refused(jwks):
    assert reason_of(PROVIDER.verify, good(PROVIDER), jwks=jwks) == "key_set_malformed"
