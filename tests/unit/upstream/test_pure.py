"""The client side as values: what is asked, and what of an answer is believed."""

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from msgspec.structs import replace

from chalicelib.protocol.client_keys import public_half
from chalicelib.providers.catalog import load_catalog
from chalicelib.upstream.authorization import build_authorization_url
from chalicelib.upstream.callback import (
    callback_uri,
    check_callback_code,
    check_callback_issuer,
    check_callback_provider,
    read_callback_error,
)
from chalicelib.upstream.endpoints import read_discovery_response, static_endpoints
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.upstream.http import HttpResponse, ProviderMisbehaved, ProviderRefused, ProviderUnavailable
from chalicelib.upstream.id_token import unverified_kid
from chalicelib.upstream.identity import build_userinfo_requests, read_identity
from chalicelib.upstream.jwks import read_client_jwks_response, read_jwks_response
from chalicelib.upstream.revocation import build_revocation_request
from chalicelib.upstream.token import build_refresh_request, build_token_request, read_token_response
from tests.kit.requirement import requirement

CATALOG = load_catalog()
GITHUB, GOOGLE, OIDC = (CATALOG.get(each) for each in ("github", "google", "oidc"))
AT_GITHUB = static_endpoints(GITHUB)
ISSUER = "https://idp.example.com"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "code_challenge_methods_supported": ["S256"],
}
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def answer(document: object, *, status: int = 200, kind: str = JSON) -> HttpResponse:
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return HttpResponse(status=status, headers={"content-type": kind}, body=body)


AT_OIDC = read_discovery_response(OIDC, ISSUER, answer(METADATA))


def asked(definition, endpoints, scopes=(), **extra) -> dict[str, list[str]]:
    url = build_authorization_url(
        definition,
        endpoints,
        client_id="broker",
        redirect_uri="https://b.example/callback/x",
        scopes=frozenset(scopes),
        state="the state",
        nonce="the nonce",
        code_verifier="v" * 43,
        extra=extra,
    )
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def tokens(document, definition=OIDC, *, requested=("a",), **how):
    return read_token_response(definition, answer(document, **how), requested=frozenset(requested), now=1000)


# What is asked


@requirement("CB-07")
def test_an_openid_request_has_pkce_state_and_nonce():
    query = asked(OIDC, AT_OIDC, {"groups"})
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["code_challenge"] != ["v" * 43]
    assert (query["state"], query["nonce"], query["tenant"]) == (["the state"], ["the nonce"], ["1"])
    assert query["scope"] == ["openid email groups profile"]


@requirement("CB-07")
def test_a_request_to_github_has_pkce_and_no_nonce():
    query = asked(GITHUB, AT_GITHUB)
    assert query["code_challenge_method"] == ["S256"]
    assert "nonce" not in query


@pytest.mark.parametrize("definition", [GITHUB, GOOGLE, OIDC], ids=lambda each: each.provider_id)
def test_scopes_are_never_empty_and_earlier_grants_are_never_asked_for(definition):
    query = asked(definition, AT_OIDC)
    assert query["scope"] != [""]
    assert "include_granted_scopes" not in query
    assert all(len(values) == 1 for values in query.values())


def test_only_what_the_provider_honours_is_passed_on():
    extra = {"prompt": "login", "max_age": 0, "login_hint": None, "surprise": "x"}
    query = asked(OIDC, AT_OIDC, **extra)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    assert not {"login_hint", "surprise"} & query.keys()
    assert not {"prompt", "max_age"} & asked(GITHUB, AT_GITHUB, **extra).keys()
    assert asked(GOOGLE, AT_OIDC, prompt="none")["prompt"] == ["consent"]


def test_credentials_go_where_the_file_says():
    given_values = {
        "client_id": "id",
        "client_secret": "s:/+ c",
        "code": "c",
        "redirect_uri": "r",
        "code_verifier": "v",
    }
    basic = build_token_request(OIDC, AT_OIDC, **given_values)
    assert basic.headers["Authorization"] == "Basic aWQ6cyUzQSUyRiUyQiUyMGM="
    assert b"client_secret" not in basic.body
    assert b"client_id" not in basic.body
    post = build_token_request(GITHUB, AT_GITHUB, **given_values)
    assert "Authorization" not in post.headers
    assert b"client_secret=s%3A%2F%2B+c" in post.body
    public = build_token_request(OIDC, AT_OIDC, **{**given_values, "client_secret": None})
    assert "Authorization" not in public.headers
    assert b"client_id=id" in public.body
    assert all("client_secret" not in request.url for request in (basic, post, public))


def test_a_refresh_sends_scope_and_redirect_uri_only_where_the_file_wants_them():
    values = {"client_id": "id", "client_secret": "s", "refresh_token": "r", "redirect_uri": "u"}
    plain = build_refresh_request(OIDC, AT_OIDC, **values, scopes=frozenset({"a"}))
    assert plain.body == b"grant_type=refresh_token&refresh_token=r"
    wants = replace(OIDC, refresh=replace(OIDC.refresh, sends_scope=True, sends_redirect_uri=True))
    assert b"redirect_uri=u&scope=a" in build_refresh_request(wants, AT_OIDC, **values, scopes=frozenset({"a"})).body


def test_a_token_body_may_be_json():
    definition = replace(OIDC, token=replace(OIDC.token, body="json"))
    values = {"client_id": "id", "client_secret": "s", "code": "c", "redirect_uri": "r", "code_verifier": "v"}
    request = build_token_request(definition, AT_OIDC, **values)
    assert request.headers["Content-Type"] == JSON
    assert msgspec.json.decode(request.body)["code_verifier"] == "v"


def test_a_file_may_say_that_the_provider_cannot_take_pkce():
    definition = replace(OIDC, authorization=replace(OIDC.authorization, pkce="off"))
    assert "code_challenge" not in asked(definition, AT_OIDC)
    values = {"client_id": "id", "client_secret": "s", "code": "c", "redirect_uri": "r", "code_verifier": "v"}
    assert b"code_verifier" not in build_token_request(definition, AT_OIDC, **values).body


def test_a_revocation_call_of_the_providers_own_may_need_neither_secret_nor_body():
    rules = replace(GITHUB.revocation, auth="none", json={})
    request = build_revocation_request(
        replace(GITHUB, revocation=rules),
        AT_GITHUB,
        client_id="i/d",
        client_secret=None,
        token="t",
        kind="access_token",
    )
    assert request.url == "https://api.github.com/applications/i%2Fd/token"
    assert request.body == b""
    assert not {"Authorization", "Content-Type"} & request.headers.keys()


def test_revocation_follows_the_file():
    values = {"client_id": "id", "client_secret": "s", "token": "t"}
    github = build_revocation_request(GITHUB, AT_GITHUB, **values, kind="access_token")
    assert (github.method, github.url) == ("DELETE", "https://api.github.com/applications/id/token")
    assert github.body == b'{"access_token":"t"}'
    assert github.headers["Authorization"].startswith("Basic ")
    assert build_revocation_request(GITHUB, AT_GITHUB, **values, kind="refresh_token") is None
    assert build_revocation_request(GITHUB, AT_GITHUB, **{**values, "client_secret": None}, kind="access_token") is None
    at = replace(AT_OIDC, revocation_endpoint=f"{ISSUER}/revoke")
    google = build_revocation_request(GOOGLE, at, **values, kind="refresh_token")
    assert google.body == b"token=t&token_type_hint=refresh_token"
    assert build_revocation_request(OIDC, AT_OIDC, **values, kind="refresh_token") is None


# The callback


@requirement("CB-05")
@pytest.mark.parametrize("iss", [f"{ISSUER}/", "https://IDP.example.com", "https://idp.example.com:443", "", "x"])
def test_iss_is_compared_as_a_plain_string(iss):
    check_callback_issuer(AT_OIDC, ISSUER)
    with pytest.raises(ProviderMisbehaved, match="callback_iss_mismatch"):
        check_callback_issuer(AT_OIDC, iss)


@requirement("CB-05")
def test_a_missing_iss_is_refused_where_it_is_promised():
    check_callback_issuer(AT_OIDC, None)
    promised = answer({**METADATA, "authorization_response_iss_parameter_supported": True})
    with pytest.raises(ProviderMisbehaved, match="callback_iss_missing"):
        check_callback_issuer(read_discovery_response(OIDC, ISSUER, promised), None)


@requirement("CB-04")
def test_each_provider_has_a_callback_of_its_own():
    assert callback_uri("https://b.example", "github") == "https://b.example/callback/github"
    check_callback_provider("github", expected="github")
    with pytest.raises(ProviderMisbehaved, match="callback_of_another_provider"):
        check_callback_provider("google", expected="github")


@pytest.mark.parametrize("code", [None, "", "a\nb", "\u00e4", "x" * 4097])
def test_a_malformed_code_is_refused(code):
    with pytest.raises(ProviderMisbehaved):
        check_callback_code(code)


@requirement("CB-10")
@given(error=st.text())
def test_any_error_of_a_provider_becomes_one_of_two(error):
    assert read_callback_error(error) in ("access_denied", "server_error")


@requirement("CB-10")
def test_only_a_no_of_the_user_is_access_denied():
    assert read_callback_error("access_denied") == "access_denied"
    assert read_callback_error("user_cancelled_login") == "access_denied"
    for other in ("server_error", "temporarily_unavailable", "invalid_scope", "ACCESS_DENIED", ""):
        assert read_callback_error(other) == "server_error"


# Tokens


def test_a_form_answer_and_a_json_answer_read_alike():
    form = b"access_token=t&scope=a%2Cb&token_type=bearer&expires_in=60&refresh_token=r"
    document = {"access_token": "t", "scope": "a,b", "token_type": "Bearer", "expires_in": 60, "refresh_token": "r"}
    read = [tokens(form, GITHUB, kind=f"{FORM}; charset=utf-8"), tokens(document, GITHUB)]
    assert replace(read[0], answer={}) == replace(read[1], answer={})
    assert tokens(document, GITHUB).granted == {"a", "b"}
    assert tokens(document, GITHUB).expires_at == 1060


@requirement("CB-11")
@pytest.mark.parametrize(
    ("told", "granted"),
    [
        ({}, {"a", "openid", "profile", "email"}),
        ({"scope": ""}, set()),
        ({"scope": "b"}, {"b"}),
        ({"scope": ["b", "c"]}, {"b", "c"}),
    ],
)
def test_scopes_are_what_the_answer_says(told, granted):
    assert tokens({"access_token": "t", **told}).granted == granted


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a b"},
        {"access_token": "a\nb"},
        {"access_token": "\u00e4"},
        {"access_token": "x" * (16 * 1024 + 1)},
        {"access_token": "t", "refresh_token": "x" * (16 * 1024 + 1)},
        {"access_token": "t", "refresh_token": ["r"]},
        {"access_token": "t", "id_token": {}},
        {"access_token": "t", "scope": 7},
        {"access_token": "t", "scope": [7]},
        {"access_token": "t", "scope": "a\nb"},
        {"access_token": "t", "scope": " ".join(f"s{n}" for n in range(201))},
        {"access_token": "t", "expires_in": True},
        {"access_token": "t", "expires_in": [60]},
        {"access_token": "t", "expires_in": "NaN"},
        {"access_token": "t", "token_type": 7},
        ["access_token"],
    ],
)
def test_a_malformed_answer_is_refused_whole(document):
    with pytest.raises(ProviderMisbehaved):
        tokens(document)


def test_a_token_of_16_kib_is_kept():
    assert len(tokens({"access_token": "x" * 16 * 1024}).access_token) == 16 * 1024


def test_a_repeated_member_of_a_form_is_refused():
    with pytest.raises(ProviderMisbehaved, match="token_member_repeated"):
        tokens(b"access_token=a&access_token=b", kind=FORM)


@pytest.mark.parametrize(
    ("seconds", "end"),
    [
        (0, 1000),
        ("60", 1060),
        (59.9, 1059),
        (10**12, 1000 + 10 * 366 * 86400),
        pytest.param(10**400, 1000 + 10 * 366 * 86400, id="huge"),
    ],
)
def test_expiry_is_a_moment(seconds, end):
    assert tokens({"access_token": "t", "expires_in": seconds}).expires_at == end


def test_a_file_may_say_when_tokens_end_and_where_things_stand():
    rules = replace(
        OIDC.token,
        default_expires_seconds=60,
        access_token_path="authed_user.access_token",
        scope_path="authed_user.scope",
        scope_separator=",",
        success_member="ok",
    )
    definition = replace(OIDC, token=rules)
    good = {"ok": True, "authed_user": {"access_token": "t", "scope": "a,b"}}
    read = tokens(good, definition)
    assert (read.access_token, read.granted, read.expires_at) == ("t", {"a", "b"}, 1060)
    with pytest.raises(ProviderRefused, match="token_other"):
        tokens({**good, "ok": False}, definition)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"document": {"error": "invalid_grant"}, "status": 400}, "invalid_grant"),
        ({"document": {"error": "invalid_grant"}, "status": 403}, "invalid_grant"),
        ({"document": {"error": "invalid_grant"}}, "invalid_grant"),
        ({"document": {"error": "invalid_grant", "access_token": "t"}}, "invalid_grant"),
        ({"document": {"error": {"code": 7}}, "status": 400}, "other"),
        ({"document": {"access_token": "t"}, "status": 401}, "other"),
        ({"document": b"<html>", "status": 404, "kind": "text/html"}, "other"),
        ({"document": b"error=invalid_client", "kind": FORM}, "invalid_client"),
    ],
)
def test_a_refusal_has_a_registered_code_or_none(how, code):
    with pytest.raises(ProviderRefused) as refusal:
        tokens(**how)
    assert refusal.value.code == code


def test_printing_tokens_shows_none():
    text = repr(tokens({"access_token": "secret-a", "refresh_token": "secret-b", "id_token": "secret-c"}))
    assert "secret" not in text


@given(body=st.binary(max_size=200), status=st.integers(100, 599), kind=st.sampled_from([JSON, FORM, "text/html", ""]))
def test_no_answer_ends_in_anything_but_the_three_failures(body, status, kind):
    response = answer(body, status=status, kind=kind)
    for read in (
        lambda: read_token_response(GITHUB, response, requested=frozenset(), now=0),
        lambda: read_discovery_response(OIDC, ISSUER, response),
        lambda: read_jwks_response(response),
        lambda: read_identity(GITHUB, (response, response), None),
    ):
        try:
            read()
        except (ProviderMisbehaved, ProviderRefused, ProviderUnavailable):
            continue


# Granted, needed, allowed


@requirement("CB-11", "VLT-10")
def test_a_larger_scope_stands_for_those_it_contains():
    granted = frozenset({"user", "repo"})
    assert missing_scopes(GITHUB, granted=granted, needed=frozenset({"public_repo", "read:user"})) == set()
    assert missing_scopes(GITHUB, granted=granted, needed=frozenset({"gist", "repo"})) == {"gist"}
    assert missing_scopes(GITHUB, granted=frozenset({"public_repo"}), needed=frozenset({"repo"})) == {"repo"}


@requirement("VLT-10")
def test_what_goes_beyond_the_consent_is_named_and_the_sign_ins_own_scopes_do_not():
    allowed = frozenset({"repo"})
    assert excess_scopes(GITHUB, granted=frozenset({"repo", "read:user", "user:email"}), allowed=allowed) == set()
    assert excess_scopes(GITHUB, granted=frozenset({"public_repo"}), allowed=allowed) == set()
    assert excess_scopes(GITHUB, granted=frozenset({"repo", "user", "gist"}), allowed=allowed) == {"user", "gist"}
    long_names = frozenset({"openid", "https://www.googleapis.com/auth/userinfo.email"})
    assert excess_scopes(GOOGLE, granted=long_names, allowed=frozenset()) == set()


# Identity


def identify(document, *, emails=None, definition=GITHUB):
    responses = (answer(document),) if emails is None else (answer(document), emails)
    return read_identity(definition, responses, None)


@requirement("CB-09")
def test_a_github_account_is_its_number():
    first = identify({"id": 7, "login": "old-name", "email": "a@x.example"})
    renamed = identify({"id": 7, "login": "new-name", "email": "b@x.example"})
    assert (first.issuer, first.subject) == (renamed.issuer, renamed.subject) == ("https://github.com", "7")


@requirement("CB-09")
@pytest.mark.parametrize("number", [None, True, 0, -7, 7.0, "", " ", "a\nb", "x" * 256, ["7"], {"id": 7}, "\u00e4"])
def test_what_is_no_stable_id_is_nobody(number):
    with pytest.raises(ProviderMisbehaved, match="identity_subject_malformed"):
        identify({"id": number, "login": "alice"})


@requirement("CB-09")
def test_the_address_of_the_profile_is_not_believed_and_the_primary_one_comes_with_its_flag():
    document = {"id": 7, "login": "alice", "email": "public@x.example"}
    listed = [{"email": "b@x.example", "primary": False, "verified": True}, {"email": "a@x.example", "primary": True}]
    assert identify(document).profile == {"preferred_username": "alice"}
    profile = identify(document, emails=answer(listed)).profile
    assert (profile["email"], profile["email_verified"]) == ("a@x.example", False)
    for nothing in (answer([], status=404), answer([]), answer({}), answer(b"<html>"), answer([7, None])):
        assert "email" not in identify(document, emails=nothing).profile


@requirement("CB-09")
@pytest.mark.parametrize(
    ("flag", "verified"), [(True, True), ("true", True), (False, False), (None, False), (1, False), ("yes", False)]
)
def test_an_address_never_goes_without_its_verified_flag(flag, verified):
    claims = {"iss": ISSUER, "sub": "s", "email": "a@x.example", "email_verified": flag}
    assert read_identity(GOOGLE, (), claims).profile == {"email": "a@x.example", "email_verified": verified}
    distrusted = replace(GOOGLE, identity=replace(GOOGLE.identity, email_verified_by="nothing"))
    assert read_identity(distrusted, (), claims).profile["email_verified"] is False


def test_claims_of_the_wrong_kind_are_left_out():
    claims = {
        "iss": ISSUER,
        "sub": "s",
        "name": 7,
        "nickname": "x" * 1025,
        "picture": "javascript:alert(1)",
        "website": "http://x.example",
        "profile": "https://x.example/a b",
        "email": "no address",
        "updated_at": True,
        "roles": ["admin"],
        "given_name": "Alice",
    }
    assert read_identity(GOOGLE, (), claims).profile == {"given_name": "Alice"}


@requirement("CB-08")
def test_without_a_verified_id_token_an_openid_provider_identifies_nobody():
    userinfo = answer({"sub": "s", "email": "a@x.example"})
    with pytest.raises(ProviderMisbehaved, match="identity_id_token_missing"):
        read_identity(OIDC, (userinfo,), None)


@requirement("CB-09")
def test_an_identity_without_the_answers_it_rests_on_is_refused():
    with pytest.raises(ProviderMisbehaved, match="identity_userinfo_missing"):
        read_identity(GITHUB, (), None)
    for issuer in (None, "", 7):
        with pytest.raises(ProviderMisbehaved, match="identity_issuer_missing"):
            read_identity(GOOGLE, (), {"sub": "s", "iss": issuer})


def test_a_time_of_change_is_kept():
    assert read_identity(GOOGLE, (), {"iss": ISSUER, "sub": "s", "updated_at": 7}).profile == {"updated_at": 7}


def test_userinfo_is_asked_where_the_file_wants_it():
    at = replace(AT_OIDC, userinfo_endpoint=f"{ISSUER}/me")
    assert [each.url for each in build_userinfo_requests(OIDC, at, "t", client_id="c")] == [f"{ISSUER}/me"]
    assert build_userinfo_requests(GOOGLE, at, "t", client_id="c") == ()
    github = build_userinfo_requests(GITHUB, AT_GITHUB, "t", client_id="c")
    assert [each.url for each in github] == ["https://api.github.com/user", "https://api.github.com/user/emails"]
    assert {each.headers["Authorization"] for each in github} == {"Bearer t"}


# Metadata and keys


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"issuer": f"{ISSUER}/"}, "discovery_issuer_mismatch"),
        ({"issuer": None}, "discovery_issuer_mismatch"),
        ({"token_endpoint": "http://idp.example.com/token"}, "discovery_endpoint_not_https"),
        ({"token_endpoint": "http://127.0.0.1/token"}, "discovery_endpoint_not_https"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "discovery_endpoint_not_https"),
        ({"authorization_endpoint": "https://user@x.example/"}, "discovery_endpoint_not_https"),
        ({"jwks_uri": "https://x.example/#k"}, "discovery_endpoint_malformed"),
        ({"jwks_uri": 7}, "discovery_endpoint_malformed"),
        ({"jwks_uri": None}, "discovery_endpoint_missing"),
        ({"token_endpoint": None}, "discovery_endpoint_missing"),
    ],
)
def test_metadata_that_is_not_the_issuers_own_or_not_safe_is_refused(changed, reason):
    with pytest.raises(ProviderMisbehaved, match=reason):
        read_discovery_response(OIDC, ISSUER, answer({**METADATA, **changed}))


@requirement("CB-07")
def test_a_file_that_requires_pkce_refuses_a_provider_without_s256():
    strict = replace(OIDC, authorization=replace(OIDC.authorization, pkce="required"))
    with pytest.raises(ProviderMisbehaved, match="discovery_without_s256"):
        read_discovery_response(strict, ISSUER, answer({**METADATA, "code_challenge_methods_supported": ["plain"]}))


def test_plain_http_endpoints_only_where_the_issuer_itself_is_on_loopback():
    here = "http://127.0.0.1:9000"
    document = {
        name: value.replace(ISSUER, here) if isinstance(value, str) else value for name, value in METADATA.items()
    }
    assert read_discovery_response(OIDC, here, answer(document)).token_endpoint == f"{here}/token"
    with pytest.raises(ProviderMisbehaved, match="not_https"):
        read_discovery_response(OIDC, here, answer({**document, "token_endpoint": "http://10.0.0.1/token"}))


@requirement("CB-08")
def test_a_key_set_keeps_public_members_of_signing_keys_alone():
    ec = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "k"}
    keys = [{**ec, "d": "private"}, {"kty": "oct", "k": "c2VjcmV0"}, {**ec, "use": "enc"}, {"kty": "new"}, 7]
    assert read_jwks_response(answer({"keys": keys}))["keys"] == [ec]
    for nothing in ({"keys": keys[1:]}, {"keys": []}, {"keys": {}}, {}, {"keys": [ec] * 65}):
        with pytest.raises(ProviderMisbehaved):
            read_jwks_response(answer(nothing))


@requirement("TOK-05", "FETCH-01")
def test_the_published_set_of_a_client_has_no_more_keys_than_anybody_needs():
    ec = public_half(ECKey.generate_key("P-256", parameters={"kid": "k"}).as_dict(private=False))
    assert read_client_jwks_response(answer({"keys": [ec] * 64}))["keys"] == [ec] * 64
    for wrong in ({"keys": [ec] * 65}, {"keys": [7]}, {"keys": {}}, {}):
        with pytest.raises(ProviderMisbehaved):
            read_client_jwks_response(answer(wrong))


def test_a_file_with_discovery_has_no_endpoints_of_its_own():
    with pytest.raises(ValueError, match="names its endpoints"):
        static_endpoints(OIDC)


def test_a_key_id_is_read_from_a_header_of_ordinary_size():
    assert unverified_kid("eyJraWQiOiJrIn0.e30.x") == "k"
    assert unverified_kid("eyJraWQiOjd9.e30.x") is None
    assert unverified_kid("x" * 2049) is None


@given(text=st.text(max_size=60))
def test_a_key_id_is_read_from_anything_without_failing(text):
    assert unverified_kid(text) is None or isinstance(unverified_kid(text), str)
