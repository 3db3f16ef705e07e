"""What an app may say about itself."""

import pytest
from msgspec import structs

from chalicelib.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from chalicelib.protocol.registration import (
    ONLY_VALUES,
    TOKEN_EXCHANGE,
    URI_MEMBERS,
    RegistrationRequest,
    open_policy,
    parse_registration,
    registration_answer,
)
from chalicelib.protocol.registration_uris import check_callable
from chalicelib.records.client import Client
from tests.kit.requirement import requirement

ALLOWED = frozenset({"openid", "profile", "email", "offline_access"})
GOOD = {"redirect_uris": ["https://app.example/cb"]}


def parse(*, allowed=ALLOWED, default=ALLOWED, handout="none", policy=None, **document):
    return parse_registration(GOOD | document, policy or open_policy(allowed, handout), default_scopes=default)


def refused(**document):
    with pytest.raises(InvalidClientMetadata):
        parse(**document)


@requirement("REG-02")
def test_the_least_document_gives_what_the_rfc_says():
    assert parse() == RegistrationRequest(
        client_name="Unnamed app",
        redirect_uris=("https://app.example/cb",),
        token_endpoint_auth_method="client_secret_basic",
        grant_types=frozenset({"authorization_code", "refresh_token"}),
        application_type="web",
        scopes=ALLOWED,
        unnamed_scopes=frozenset(),
        optional_scopes=frozenset(),
        handout="none",
        require_pushed_authorization_requests=False,
        client_uri=None,
        initiate_login_uri=None,
        policy_uri=None,
        tos_uri=None,
        providers=frozenset({"*"}),
        resources=frozenset(),
    )


@requirement("REG-02")
def test_a_full_document_is_read():
    request = parse(
        client_name="  Café Löwe  ",
        token_endpoint_auth_method="none",
        grant_types=["authorization_code"],
        response_types=["code"],
        application_type="web",
        scope="openid email",
        optional_scopes="email",
        client_uri="https://app.example",
        policy_uri="https://app.example/privacy",
        tos_uri="https://app.example/terms",
        initiate_login_uri="https://app.example/login",
        logo_uri="https://app.example/logo.png",
        jwks_uri="https://app.example/jwks",
        contacts=["a@app.example"],
        software_id="x",
    )
    assert (request.client_name, request.token_endpoint_auth_method) == ("Café Löwe", "none")
    assert (request.scopes, request.optional_scopes) == ({"openid", "email"}, {"email"})
    assert request.grant_types == {"authorization_code"}
    assert request.client_uri == "https://app.example"
    assert request.initiate_login_uri == "https://app.example/login"


@requirement("REG-02", "GEN-03")
@pytest.mark.parametrize("document", [None, [], "x", 7, True])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(InvalidClientMetadata):
        parse_registration(document, open_policy(ALLOWED, "none"), default_scopes=ALLOWED)


@requirement("REG-04")
def test_no_member_gives_operators_rights():
    wished = {
        "first_party": True,
        "skip_consent": True,
        "handout": "token",
        "registered_by": "operator",
        "serves": ["https://api.example"],
        "resources": ["https://api.example"],
        "providers": ["github"],
        "client_id": "0" * 32,
        "client_secret": "mine",
        "secrets": [],
        "expires_at": None,
        "marks": {},
        "revision": 9,
        "admin": True,
    }
    assert parse_registration(GOOD | wished, open_policy(ALLOWED, "none"), default_scopes=ALLOWED) == parse()
    assert not {"first_party", "registered_by", "serves", "marks", "policy", "management", "revision"} & set(
        RegistrationRequest.__struct_fields__
    )


@requirement("REG-04")
@pytest.mark.parametrize("scope", ["admin", "github:repo", "OPENID", 'a"b', 7, ["openid"]])
def test_where_no_scope_is_left_the_document_is_refused(scope):
    refused(scope=scope)


@requirement("REG-04", "REG-09")
@pytest.mark.parametrize("scope", ["openid admin", "openid github:repo"])
def test_scopes_that_are_not_open_are_left_out(scope):
    assert parse(scope=scope).scopes == {"openid"}


@requirement("REG-04", "REG-09")
@pytest.mark.parametrize("closed", ["client_credentials", "password", "implicit", "urn:x:unknown", TOKEN_EXCHANGE])
def test_grant_types_that_are_not_open_are_left_out(closed):
    assert parse(grant_types=["authorization_code", closed]).grant_types == {"authorization_code"}
    refused(grant_types=[closed])


@requirement("REG-04")
def test_the_deployment_may_open_more_and_the_default_never_exceeds_it():
    assert parse(allowed=ALLOWED | {"github:repo"}, scope="github:repo").scopes == {"github:repo"}
    assert parse(allowed=frozenset({"openid"}), default=ALLOWED).scopes == {"openid"}
    assert parse(scope="").scopes == ALLOWED


@requirement("REG-02")
def test_optional_scopes_are_some_of_the_scopes():
    refused(scope="openid", optional_scopes="email")


@requirement("REG-02")
@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example",
        "http://127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "https://localhost/x",
        "https://intranet/x",
        "https://printer.local/x",
        "https://db.internal:8443/x",
        "https://a.corp",
        "https://router.home.arpa/x",
        "https://user@app.example/x",
        "https://app.example/#x",
        "javascript:alert(1)",
        "data:text/html,x",
        "//app.example",
        "x",
        7,
        ["https://app.example"],
    ],
)
@pytest.mark.parametrize("name", URI_MEMBERS)
def test_every_address_is_public_https(name, uri):
    refused(**{name: uri})


@requirement("OUT-08")
@pytest.mark.parametrize("host", ["printer.local", "intranet", "db.corp", "app.example:8443"])
def test_what_we_call_is_public_and_on_its_own_port_whoever_registers_it(host):
    check_callable("https://app.example/told")
    with pytest.raises(InvalidRedirectUri):
        check_callable(f"https://{host}/told")


@requirement("REG-02")
@pytest.mark.parametrize(
    "uris",
    [
        [],
        None,
        [""],
        ["http://app.example/cb"],
        ["https://app.example/cb#x"],
        ["https://app.example/cb", "javascript:alert(1)"],
        ["https://printer.local/cb"],
        ["https://intranet/cb"],
        ["https://127.0.0.1:8443/cb"],
        ["myapp:/cb"],
        [f"https://app.example/{number}" for number in range(11)],
    ],
)
def test_every_redirect_uri_is_checked(uris):
    with pytest.raises(InvalidRedirectUri):
        parse(redirect_uris=uris)


@requirement("REG-02")
@pytest.mark.parametrize("uris", ["https://app.example/cb", [7], {}, ["https://a.example/cb", "https://a.example/cb"]])
def test_redirect_uris_are_a_list_of_different_strings(uris):
    refused(redirect_uris=uris)


@requirement("AUTHZ-05", "REG-02")
@pytest.mark.parametrize("uri", ["http://127.0.0.1:3000/cb", "http://localhost:3000/cb", "com.example.app:/cb"])
def test_an_app_that_names_no_kind_shows_it_by_its_redirect_uris(uri):
    assert parse(redirect_uris=[uri]).application_type == "native"
    assert parse(redirect_uris=["https://app.example/cb", uri]).application_type == "native"
    assert parse(redirect_uris=[uri], application_type="native").redirect_uris == (uri,)


@requirement("AUTHZ-05", "REG-02")
def test_an_app_that_says_web_is_held_to_it():
    assert parse(redirect_uris=["http://127.0.0.1:3000/cb"], application_type="web").application_type == "web"
    for uri in ("http://localhost:3000/cb", "com.example.app:/cb"):
        with pytest.raises(InvalidRedirectUri):
            parse(redirect_uris=[uri], application_type="web")
    assert parse(application_type="native").application_type == "native"


@requirement("REG-02")
@pytest.mark.parametrize(
    "document",
    [
        {"application_type": "service"},
        {"application_type": 1},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": ["none"]},
        {"grant_types": ["implicit"]},
        {"grant_types": ["password"]},
        {"grant_types": ["refresh_token"]},
        {"grant_types": []},
        {"grant_types": "authorization_code"},
        {"response_types": ["code", "code"]},
        {"response_types": "code"},
        {"jwks": {"keys": []}, "jwks_uri": "https://app.example/jwks"},
        {"client_name": 7},
        {"client_name": "a" * 81},
        {"client_name": "Bank\nof"},
        {"client_name": "Bank\u202egnp"},
        {"client_name": "Ba\u200bnk"},
        {"client_name": "Bank\x00"},
        {"client_name": "\ud800"},
    ],
    ids=str,
)
def test_members_that_contradict_or_are_not_offered_are_refused(document):
    refused(**document)


@requirement("REG-02")
@pytest.mark.parametrize("name", sorted(ONLY_VALUES))
def test_a_protection_that_we_do_not_have_is_refused_and_not_ignored(name):
    for value in (True, "RS256", "pairwise", 1, 0, "https://app.example/x"):
        refused(**{name: value})
    parse(**{name: None})
    for kept in ONLY_VALUES[name]:
        parse(**{name: kept})


@requirement("REG-02")
def test_without_grant_types_the_scopes_and_the_handout_decide():
    assert parse(scope="openid").grant_types == {"authorization_code"}
    assert parse(scope="openid", handout="token").grant_types == {"authorization_code", TOKEN_EXCHANGE}
    assert parse(scope="openid", handout="proxy").grant_types == {"authorization_code"}
    assert parse(grant_types=["authorization_code", TOKEN_EXCHANGE], handout="token").handout == "token"


CLIENT = Client(
    client_id="c" * 32,
    client_name="App",
    redirect_uris=("https://app.example/cb",),
    token_endpoint_auth_method="client_secret_post",
    grant_types=frozenset({"authorization_code", "refresh_token"}),
    scopes=frozenset({"openid", "email"}),
    created_at=1_800_000_000,
)


@requirement("REG-02")
def test_the_answer_says_how_the_client_really_stands():
    assert registration_answer(CLIENT, "s" * 64, "https://broker.example", management_token="t") == {
        "client_id": "c" * 32,
        "client_id_issued_at": 1_800_000_000,
        "client_name": "App",
        "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "scope": "email openid",
        "id_token_signed_response_alg": "ES256",
        "subject_type": "public",
        "require_pushed_authorization_requests": False,
        "dpop_bound_access_tokens": False,
        "issuer": "https://broker.example",
        "registration_client_uri": "https://broker.example/register/" + "c" * 32,
        "registration_access_token": "t",
        "client_secret": "s" * 64,
        "client_secret_expires_at": 0,
    }


@requirement("REG-02")
def test_the_answer_of_a_public_client_has_no_secret_and_no_end_of_one():
    public = structs.replace(
        CLIENT,
        token_endpoint_auth_method="none",
        optional_scopes=frozenset({"email"}),
        client_uri="https://app.example",
        grant_types=frozenset({"client_credentials"}),
    )
    answer = registration_answer(public, None, "https://broker.example", management_token="t")
    assert not {"client_secret", "client_secret_expires_at", "tos_uri"} & answer.keys()
    assert (answer["optional_scopes"], answer["client_uri"]) == ("email", "https://app.example")
    assert answer["response_types"] == []


@requirement("REG-04")
def test_the_scopes_that_every_app_has_beside_its_own_are_those_of_its_policy():
    policy = structs.replace(open_policy(ALLOWED, "none"), api_scopes=frozenset({"profile", "notes:read"}))
    request = parse(policy=policy, scope="openid")
    assert (request.scopes, request.unnamed_scopes) == ({"openid", "profile"}, {"profile"})
    assert parse(policy=policy, scope="openid profile").unnamed_scopes == frozenset()
    assert parse(policy=policy).unnamed_scopes == frozenset()
    assert parse(policy=policy, scope="tools").scopes == {"profile"}
