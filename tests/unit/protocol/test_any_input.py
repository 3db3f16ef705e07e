"""Whatever comes in, the answer is a refusal of the registered kind or a value: never another exception."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.protocol.client_authentication import parse_client_credentials
from chalicelib.protocol.errors import InvalidRedirectUri, InvalidScope, OAuthError
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.pkce import check_code_challenge, check_verifier_syntax
from chalicelib.protocol.redirect_uri import check_registrable, is_loopback, match_redirect_uri, origin_of
from chalicelib.protocol.registration import URI_MEMBERS, RegistrationRequest, open_policy, parse_registration
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import parse_scope, split_by_provider
from tests.kit.jose.jwt_readers import JWK, OWN, PROVIDER, compact, reason_of
from tests.kit.requirement import requirement

ANY = st.text(max_size=40)
PIECES = [
    "https://",
    "http://127.0.0.1",
    "[::1]",
    ":",
    "/",
    "?",
    "#",
    "@",
    "..",
    "%2e",
    "com.example.app",
    "a.b",
    "0",
    "443",
]
URI = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        ANY,
    ),
    max_size=6,
).map("".join)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3))
MEMBERS = st.sampled_from(
    [*URI_MEMBERS, *RegistrationRequest.__struct_fields__, "scope", "response_types", "jwks", "subject_type"]
)
CLAIMS = st.sampled_from(["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "jti", "client_id"])
HEADERS = st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "b64"])


@requirement("GEN-03", "AUTHZ-05")
@given(URI, st.sampled_from(["web", "native", "other"]))
def test_any_redirect_uri(uri, kind):
    try:
        check_registrable(uri, application_type=kind)
    except InvalidRedirectUri:
        return
    assert uri.isascii()
    assert not set(uri) & set(' #*\\"<>')
    assert match_redirect_uri(uri, (uri,), native=False)
    assert origin_of(uri)
    assert uri.startswith(("https://", "http://")) or kind == "native"
    assert uri.startswith("https://") or is_loopback(uri) or not uri.startswith("http:")


@requirement("GEN-03", "REG-02")
@given(JSON | st.dictionaries(MEMBERS, JSON | URI | st.lists(URI, max_size=3), max_size=6))
def test_any_registration_document(document):
    allowed = frozenset({"openid"})
    try:
        request = parse_registration(document, open_policy(allowed, "none"), default_scopes=allowed)
    except OAuthError as refusal:
        assert refusal.status == 400
        return
    assert request.scopes <= allowed
    assert request.redirect_uris


@requirement("GEN-03", "TOK-10")
@given(ANY | st.builds("{}.{}.{}".format, ANY, ANY, ANY))
def test_any_text_as_a_token(text):
    reason_of(OWN.verify, text)
    reason_of(PROVIDER.verify, text)


@requirement("GEN-03", "TOK-10", "CB-08")
@given(
    st.sampled_from([OWN, PROVIDER]),
    st.dictionaries(HEADERS, JSON, max_size=2),
    st.dictionaries(CLAIMS, JSON, max_size=3),
)
@example(OWN, {}, {"exp": 10**400})
@example(PROVIDER, {}, {"iat": 10**25})
@example(PROVIDER, {}, {"exp": -(10**400)})
def test_any_header_and_claims_well_signed(kind, header, claims):
    """Even a signer that has gone mad breaks nothing."""
    header = {"alg": "ES256", "kid": JWK["kid"], "typ": kind.typ} | header
    token = compact(json.dumps(header), json.dumps(kind.claims() | claims))
    try:
        read = kind.verify(token)
    except OAuthError as refusal:
        assert refusal.code == "invalid_token"
        return
    assert read["iss"] == kind.issuer
    assert read["exp"] > 1_800_000_000 - 60


@requirement("GEN-03", "TOK-03")
@given(
    st.lists(ANY | ANY.map("Basic {}".format), max_size=2),
    st.dictionaries(st.sampled_from(["client_id", "client_secret"]), ANY),
)
def test_any_authorization_header(values, form):
    try:
        parameters = Parameters.parse(form.items())
        presented = parse_client_credentials(
            Request(method="POST", headers={"authorization": tuple(values)}), parameters
        )
    except OAuthError as refusal:
        assert refusal.code in ("invalid_client", "invalid_request")
        return
    assert len(presented.client_id) == 32


@requirement("GEN-03", "AUTHZ-08", "AUTHZ-10")
@given(ANY, ANY)
def test_any_scope_challenge_and_verifier(one, other):
    for check, given_ in ((check_code_challenge, (one, other)), (check_verifier_syntax, (one,))):
        try:
            check(*given_)
        except OAuthError as refusal:
            assert refusal.status == 400
    try:
        scopes = parse_scope(one)
        split_by_provider(scopes, frozenset({other}))
    except InvalidScope:
        return
    assert all(scope.isascii() and " " not in scope for scope in scopes)
