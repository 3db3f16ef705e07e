"""Values that are a whole address: a URL of the operator's, and a host below a domain of the provider's own."""

import pytest

from chalicelib.providers.definition import (
    InvalidDefinition,
    MetadataRule,
    ProviderDefinition,
    ValueRefused,
    VariableRule,
    fill,
    parse_definition,
)
from tests.kit.requirement import requirement

PLAIN = """\
provider_id = "plain"
display_name = "Plain"
checked_on = 2026-11-26
unverified = ["variables", "metadata", "api"]
issuer = "{issuer}"
authorization_endpoint = "{authorize}"
token_endpoint = "https://plain.example/token"
userinfo_endpoint = "https://plain.example/me"
sign_in_scopes = ["me"]

[documentation]
"https://plain.example/docs" = [
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "sign_in_scopes", "identity", "scopes",
    "authorization",
]

[variables.issuer]
title = "Issuer"
kind = "url"
example = "https://plain.example"

[variables.authorize]
title = "Authorization endpoint"
kind = "url"
example = "https://plain.example/oauth/authorize"

[variables.subject]
title = "Member with the user's id"
pattern = "[a-z_.]+"
default = "id"

[metadata.place]
from = "token"
path = "place"
suffixes = ["my.plain.example"]

[variables.audience]
title = "Which API"
pattern = "[!-~]*"
default = ""
example = "https://api.plain.example"

[authorization]
parameters = { audience = "{audience}", prompt = "consent" }

[identity]
source = "userinfo"
issuer = "{issuer}"
subject = "{subject}"

[api]
base_url = "{place}/v1"
hosts = ["{place}"]

[scopes]
me = { title = "know who you are", access = "read" }
"""
EXAMPLE = 'example = "https://plain.example/oauth/authorize"'
OPERATOR = {"issuer": "https://id.team.example", "authorize": "https://id.team.example/a/b?tenant=one"}


def plain(old: str = "", new: str = "") -> ProviderDefinition:
    assert old in PLAIN
    return parse_definition(PLAIN.replace(old, new, 1) if old else PLAIN, source="plain.toml")


@requirement("VAL-01")
def test_a_url_stands_for_a_whole_address_as_it_was_given():
    filled = fill(plain(), {**OPERATOR, "subject": "data.user.id"})
    assert (filled.issuer, filled.authorization_endpoint) == (OPERATOR["issuer"], OPERATOR["authorize"])
    assert (filled.identity.issuer, filled.identity.subject) == (OPERATOR["issuer"], "data.user.id")
    assert fill(plain(), OPERATOR).identity.subject == "id"


@requirement("VAL-01")
def test_a_parameter_of_the_authorization_request_may_be_the_operators_and_absent():
    assert fill(plain(), OPERATOR).authorization.parameters == {"prompt": "consent"}
    filled = fill(plain(), {**OPERATOR, "audience": "https://api.team.example"})
    assert filled.authorization.parameters == {"prompt": "consent", "audience": "https://api.team.example"}


@requirement("FETCH-01")
@pytest.mark.parametrize(
    "url",
    [
        "http://id.team.example/a",
        "https://id.team.example:8443/a",
        "https://user@id.team.example/a",
        "https://id.team.example/a#b",
        "https://id.team.example\\@evil.example/a",
        "https://localhost/a",
        "https://[::1]/a",
        "https:///a",
        "https://id.team.example/{token}",
        "https://id.team.example/a\n",
        "//id.team.example/a",
        "",
    ],
)
def test_what_is_no_plain_https_url_is_refused(url):
    assert not VariableRule(title="URL", kind="url").admits(url)
    with pytest.raises(ValueRefused, match="authorize"):
        fill(plain(), {**OPERATOR, "authorize": url})


@requirement("FETCH-01")
@pytest.mark.parametrize("origin", ["https://acme.my.plain.example", "https://acme.eu.my.plain.example"])
def test_a_host_below_a_domain_of_the_providers_is_reached(origin):
    filled = fill(plain(), {**OPERATOR, "place": origin}, complete=True)
    assert filled.api is not None
    assert (filled.api.base_url, filled.api.hosts) == (f"{origin}/v1", (origin.removeprefix("https://"),))


@requirement("FETCH-01")
@pytest.mark.parametrize(
    "origin",
    [
        "https://my.plain.example",
        "https://.my.plain.example",
        "https://a..my.plain.example",
        "https://-.my.plain.example",
        "https://evilmy.plain.example",
        "https://a.my.plain.example.evil.example",
        "https://a.myxplain.example",
        "https://a.my.plain.example/",
        "https://a.my.plain.example/x",
        "https://a.my.plain.example:8443",
        "https://u@a.my.plain.example",
        "https://evil.example/.my.plain.example",
        "https://evil.example?.my.plain.example",
        "https://evil.example#.my.plain.example",
        "https://evil.example\\.my.plain.example",
        "https://a.my.plain.example\n",
        "http://a.my.plain.example",
        "a.my.plain.example",
    ],
)
def test_nothing_else_is(origin):
    assert not MetadataRule(origin="token", path="place", suffixes=("my.plain.example",)).admits(origin)
    with pytest.raises(ValueRefused, match="place"):
        fill(plain(), {**OPERATOR, "place": origin}, complete=True)


@requirement("FETCH-01")
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('from = "token"', 'from = "callback"', "a callback comes through the browser"),
        ('["my.plain.example"]', '["example"]', "'example' is no domain"),
        ('["my.plain.example"]', '[".plain.example"]', "is no domain"),
        ('suffixes = ["my.plain.example"]', 'suffixes = ["my.plain.example"]\npattern = ".*"', "one of the two"),
        ('"{authorize}"', '"{authorize}/x"', "is a url and must be all of it"),
        ('"{authorize}"', '"https://{authorize}"', "is a url and must be all of it"),
        ('hosts = ["{place}"]', 'hosts = ["{authorize}"]', "is a url and must be all of it"),
        (EXAMPLE, "", "variables.authorize.example is missing"),
        (EXAMPLE, 'example = "http://x.example"', "not what the rule admits"),
        (EXAMPLE, f'{EXAMPLE}\nvalues = ["x"]', "are for texts"),
        ('subject = "{subject}"', 'subject = "{place}"', "{place} is not filled in here"),
    ],
)
def test_the_file_is_refused_where_it_would_leave_the_choice_to_a_stranger(old, new, fault):
    with pytest.raises(InvalidDefinition) as refusal:
        plain(old, new)
    assert fault in "\n".join(refusal.value.faults)
