"""What an app may ask at /authorize, and what a bad request gets."""

import pytest
from msgspec.structs import replace

from chalicelib.protocol.authorization_request import check_redirect, mode_of_refusal, parse_authorization_request
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidRequestUri,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    PageError,
    RegistrationNotSupported,
    RequestNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.pkce import EXAMPLE_CHALLENGE, s256
from chalicelib.records.client import Client
from chalicelib.records.resource import Resource
from chalicelib.records.sign_in import AuthorizationRequest
from tests.kit.requirement import requirement

ISSUER, API, REDIRECT = "https://broker.example", "https://api.example/v1", "https://app.example/cb"
OWN_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
RESOURCES = {
    API: Resource(audience=API, scopes=frozenset({"orders:read"})),
    "https://other.example": Resource(audience="https://other.example", scopes=frozenset({"other"})),
}
CLIENT = Client(
    client_id="c" * 32,
    client_name="App",
    redirect_uris=(REDIRECT,),
    token_endpoint_auth_method="none",
    grant_types=frozenset({"authorization_code"}),
    providers=frozenset({"*"}),
    scopes=frozenset({"openid", "email", "github:repo", "google:https://a/b.c", "orders:read", "gone", "gitlab:api"}),
    resources=frozenset({API, "https://deleted.example"}),
    revision=7,
)
NATIVE = replace(CLIENT, application_type="native", redirect_uris=("http://127.0.0.1/cb", "com.example.app:/cb"))
CHALLENGE = s256("v" * 43)
GOOD = {"response_type": "code", "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "openid"}


def parse(client=CLIENT, *, resource=(), without=(), known=RESOURCES, **changes):
    pairs = [(name, value) for name, value in (GOOD | changes).items() if name not in without]
    pairs += [("resource", uri) for uri in resource]
    return parse_authorization_request(
        Parameters.parse(pairs, repeatable=frozenset({"resource"})),
        client,
        redirect_uri=REDIRECT,
        provider_ids=frozenset({"github", "google"}),
        own_scopes=OWN_SCOPES,
        resources=known,
        issuer=ISSUER,
    )


def refused(kind: type[OAuthError], client=CLIENT, **changes):
    with pytest.raises(kind) as refusal:
        parse(client, **changes)
    assert type(refusal.value) is kind
    return refusal.value.reason


def redirect(client=CLIENT, **sent):
    return check_redirect(Parameters.parse(sent.items()), client)


@requirement("AUTHZ-02")
def test_the_registered_redirect_uri_is_taken_as_sent():
    assert redirect(redirect_uri=REDIRECT) == REDIRECT
    assert redirect(NATIVE, redirect_uri="http://127.0.0.1:49152/cb") == "http://127.0.0.1:49152/cb"


@requirement("AUTHZ-02", "AUTHZ-03")
@pytest.mark.parametrize(
    "sent", ["https://evil.example/cb", REDIRECT + "/", REDIRECT + "?x=1", "http://127.0.0.1:1/cb"]
)
def test_every_other_one_gets_a_page_and_no_redirect(sent):
    with pytest.raises(PageError) as refusal:
        redirect(redirect_uri=sent)
    assert refusal.value.page_status == 400
    assert sent not in str(refusal.value.args)


@requirement("AUTHZ-02")
def test_the_loopback_port_of_a_web_app_is_fixed():
    web = replace(NATIVE, application_type="web")
    assert redirect(web, redirect_uri="http://127.0.0.1/cb") == "http://127.0.0.1/cb"
    with pytest.raises(PageError):
        redirect(web, redirect_uri="http://127.0.0.1:49152/cb")


@requirement("AUTHZ-04")
def test_without_a_redirect_uri_the_only_registered_one_is_meant_and_of_several_none():
    assert redirect() == redirect(redirect_uri="") == REDIRECT
    for uris in ((), NATIVE.redirect_uris):
        with pytest.raises(PageError):
            redirect(replace(CLIENT, redirect_uris=uris))


@requirement("AUTHZ-06")
def test_the_least_request_is_read():
    assert parse() == AuthorizationRequest(
        client_id=CLIENT.client_id,
        redirect_uri=REDIRECT,
        scopes=frozenset({"openid"}),
        code_challenge=CHALLENGE,
        client_revision=7,
    )


@requirement("AUTHZ-06", "AUTHZ-13")
def test_the_largest_request_is_read():
    request = parse(
        scope="google:https://a/b.c github:repo openid orders:read",
        state="a b+c/=&é",
        nonce="n",
        provider="github",
        prompt="login consent",
        max_age="0",
        login_hint="alice@example.org",
        response_mode="query",
        resource=(API, ISSUER, API),
        unknown="ignored",
    )
    assert request.scopes == {"openid", "github:repo", "google:https://a/b.c", "orders:read"}
    assert (request.state, request.nonce, request.provider_id) == ("a b+c/=&é", "n", "github")
    assert (request.prompt, request.max_age, request.login_hint) == ({"login", "consent"}, 0, "alice@example.org")
    assert request.resources == (API, ISSUER)


@requirement("AUTHZ-06")
@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token", "code token", "token code", "code id_token", "none", "CODE", "code ", "code code"],
)
def test_only_the_code_is_offered(response_type):
    refused(UnsupportedResponseType, response_type=response_type)


@requirement("AUTHZ-06")
def test_a_missing_response_type_is_an_invalid_request():
    refused(InvalidRequest, without=("response_type",))


@requirement("AUTHZ-06", "TOK-08")
def test_a_client_without_the_code_grant_gets_none():
    refused(UnauthorizedClient, replace(CLIENT, grant_types=frozenset({"client_credentials"})))


@requirement("AUTHZ-07")
@pytest.mark.parametrize(
    "mode", ["fragment", "form_post.jwt", "query.jwt", "web_message", "Query", "FORM_POST", "form_post query", "jwt"]
)
def test_no_other_mode_carries_answers(mode):
    refused(InvalidRequest, response_mode=mode)


@requirement("AUTHZ-07")
def test_an_answer_comes_by_a_mode_that_the_client_may_have_and_its_redirect_can_take():
    assert (parse().response_mode, parse(response_mode="form_post").response_mode) == ("query", "form_post")
    one = replace(CLIENT, response_modes=frozenset({"query"}))
    assert parse(one).response_mode == "query"
    refused(InvalidRequest, one, response_mode="form_post")
    only = replace(CLIENT, response_modes=frozenset({"form_post"}))
    assert parse(only, response_mode="form_post").response_mode == "form_post"
    refused(InvalidRequest, only)
    parameters = Parameters.parse([("response_mode", "form_post")])
    for uri, mode in (
        ("https://app.example/cb", "form_post"),
        ("http://127.0.0.1/cb", "form_post"),
        ("http://[::1]/cb", "query"),
        ("com.example.app:/cb", "query"),
    ):
        assert mode_of_refusal(parameters, CLIENT, uri) == mode, uri
    assert mode_of_refusal(Parameters.parse([("response_mode", "jwt")]), CLIENT, REDIRECT) == "query"


@requirement("AUTHZ-17")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("request", RequestNotSupported),
        ("request_uri", InvalidRequestUri),
        ("registration", RegistrationNotSupported),
    ],
)
def test_a_request_object_is_refused_and_never_ignored(name, error):
    refused(error, **{name: "https://evil.example/r"})


@requirement("AUTHZ-08", "AUTHZ-09")
@pytest.mark.parametrize(
    "changes",
    [
        {"without": ("code_challenge",)},
        {"without": ("code_challenge_method",)},
        {"without": ("code_challenge", "code_challenge_method")},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge": EXAMPLE_CHALLENGE},
    ],
)
@pytest.mark.parametrize("client", [CLIENT, replace(CLIENT, token_endpoint_auth_method="client_secret_basic")])
def test_every_client_needs_pkce(changes, client):
    refused(InvalidRequest, client, **changes)


@requirement("AUTHZ-10")
@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        pytest.param("openid profile", "scope_not_registered_for_client", id="known, but not this client's"),
        pytest.param("openid github:admin", "scope_not_registered_for_client", id="of a provider, not this client's"),
        pytest.param("openid repo", "scope_not_registered_for_client", id="a provider's scope without its prefix"),
        pytest.param("github:openid", "scope_not_registered_for_client", id="our scope behind a provider's prefix"),
        pytest.param("OpenID", "scope_not_registered_for_client", id="another case"),
        pytest.param("gone", "scope_unknown", id="registered, but known to nobody any more"),
        pytest.param("gitlab:api", "scope_unknown", id="of a provider that is not switched on"),
        pytest.param("openid  email", "scope_characters", id="two blanks"),
        pytest.param('open"id', "scope_characters", id="a character outside the RFC's set"),
    ],
)
def test_a_scope_is_refused_and_never_dropped(scope, reason):
    assert refused(InvalidScope, scope=scope) == reason


@requirement("AUTHZ-10")
def test_the_order_of_scopes_means_nothing():
    assert parse(scope="email openid").scopes == parse(scope="openid email").scopes


@requirement("AUTHZ-10")
def test_more_scopes_than_a_grant_can_hold_are_refused():
    long = {f"google:https://{letter * 200}" for letter in "abcde"}
    client = replace(CLIENT, scopes=CLIENT.scopes | long)
    assert parse(client, scope=" ".join(sorted(long)[:4])).scopes
    assert refused(InvalidScope, client, scope=" ".join(long)) == "scope_larger_than_a_grant"


@requirement("AUTHZ-10")
def test_without_a_scope_openid_is_meant_where_the_client_has_it():
    assert parse(without=("scope",)).scopes == {"openid"}
    refused(InvalidScope, replace(CLIENT, scopes=frozenset({"email"})), without=("scope",))


@requirement("AUTHZ-10")
def test_a_client_of_one_provider_gets_no_other():
    client = replace(CLIENT, providers=frozenset({"github", "gitlab"}))
    assert parse(client, scope="github:repo", provider="github").provider_id == "github"
    refused(InvalidScope, client, scope="google:https://a/b.c")
    for provider in ("google", "gitlab"):
        refused(InvalidRequest, client, provider=provider)


@requirement("AUTHZ-10")
def test_a_client_without_providers_gets_none():
    client = replace(CLIENT, providers=frozenset())
    assert parse(client).scopes == {"openid"}
    refused(InvalidScope, client, scope="github:repo")
    refused(InvalidRequest, client, provider="github")


@requirement("AUTHZ-10")
@pytest.mark.parametrize("provider", ["gitlab", "GitHub", "github google", "../github"])
def test_an_unknown_provider_is_refused(provider):
    refused(InvalidRequest, provider=provider)


@requirement("AUTHZ-11")
@pytest.mark.parametrize(
    "resource",
    [
        pytest.param("https://unknown.example", id="unknown"),
        pytest.param("https://other.example", id="known, but not this client's"),
        pytest.param("https://deleted.example", id="this client's, but known no more"),
        pytest.param(API + "/", id="a slash behind"),
        pytest.param(API.upper(), id="another case"),
        pytest.param(API + "#x", id="a fragment"),
        pytest.param(API + "#", id="an empty fragment"),
        pytest.param("/v1", id="not absolute"),
        pytest.param("api", id="a word"),
        pytest.param("https:", id="a scheme alone"),
        pytest.param(API + " " + ISSUER, id="two in one"),
        pytest.param(ISSUER + "/", id="our issuer with a slash behind"),
        pytest.param(ISSUER + "/userinfo", id="something under our issuer"),
    ],
)
def test_a_resource_is_known_and_this_clients_or_refused(resource):
    refused(InvalidTarget, resource=(resource,))
    refused(InvalidTarget, resource=(API, resource))


@requirement("AUTHZ-11")
def test_our_own_issuer_is_always_a_resource():
    assert parse(resource=(ISSUER,)).resources == (ISSUER,)
    assert parse(replace(CLIENT, resources=frozenset()), resource=(ISSUER,)).resources == (ISSUER,)


@requirement("AUTHZ-11")
def test_resources_are_counted():
    uris = [f"https://r{number}.example" for number in range(9)]
    known = {uri: Resource(audience=uri) for uri in uris}
    client = replace(CLIENT, resources=frozenset(uris))
    assert len(parse(client, resource=uris[:8], known=known).resources) == 8
    refused(InvalidTarget, client, resource=uris, known=known)


@requirement("AUTHZ-14")
@pytest.mark.parametrize("prompt", ["none login", "consent none", "create", "None", "login  consent", " ", "login "])
def test_a_prompt_that_we_would_not_honour_is_refused(prompt):
    refused(InvalidRequest, prompt=prompt)


@requirement("AUTHZ-14")
def test_prompt_none_stands_alone():
    assert parse(prompt="none").prompt == {"none"}


@requirement("AUTHZ-14")
@pytest.mark.parametrize("max_age", ["-1", "1.5", "1e3", "0x10", "ten", "٣", "1 ", "9999999999", "+5"])
def test_an_age_that_cannot_be_read_is_refused(max_age):
    refused(InvalidRequest, max_age=max_age)


@requirement("AUTHZ-14")
def test_an_age_in_seconds_is_read():
    assert parse(max_age="3600").max_age == 3600


@requirement("GEN-04")
@pytest.mark.parametrize("name", ["nonce", "login_hint"])
def test_what_is_kept_with_the_grant_has_a_longest_length(name):
    assert getattr(parse(**{name: "a" * 256}), name) == "a" * 256
    refused(InvalidRequest, **{name: "a" * 257})
    refused(InvalidRequest, **{name: "é" * 129})


@requirement("AUTHZ-13", "GEN-02")
def test_an_empty_state_is_no_state():
    assert parse(state="").state is None
    assert parse(state="a" * 2048).state == "a" * 2048
