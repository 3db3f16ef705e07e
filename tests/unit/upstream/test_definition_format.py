"""The format of provider files: sources of every line, placeholders, and faults that say line, expectation and fix."""

import pytest

from chalicelib.providers.definition import InvalidDefinition, parse_definition
from chalicelib.providers.definition.line_numbers import find_lines
from tests.kit.requirement import requirement

HEAD = """\
provider_id = "shop"
display_name = "Shop"
checked_on = 2026-11-24
unverified = ["authorization", "metadata", "variables"]
issuer = "https://shop.example"
authorization_endpoint = "https://{region}.shop.example/{tenant}/authorize"
token_endpoint = "{accounts}/token"
userinfo_endpoint = "https://api.shop.example/me"
sign_in_scopes = ["me"]

[documentation]
"https://shop.example/docs" = [
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "sign_in_scopes",
    "identity", "scopes",
]

"""
VALUES = """\
[variables.tenant]
title = "Tenant"
pattern = "[0-9a-f-]{36}"

[variables.region]
title = "Region"
values = ["eu", "us"]
default = "eu"

[metadata.accounts]
from = "callback"
path = "accounts-server"
values = ["https://accounts.shop.example", "https://accounts.shop.test"]
default = "https://accounts.shop.example"

[authorization]
parameters = { audience = "api" }

[identity]
source = "userinfo"
issuer = "https://shop.example"

"""
SCOPES = """\
[scopes]
me = { title = "see who you are", access = "read" }
"""
GOOD = HEAD + VALUES + SCOPES


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(InvalidDefinition) as refusal:
        parse_definition(text, source="shop.toml")
    return refusal.value.faults


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1
    return GOOD.replace(old, new, 1)


def test_the_file_itself_is_sound():
    assert parse_definition(GOOD, source="shop.toml").metadata["accounts"].origin == "callback"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"authorization", ', "", "authorization.parameters.audience has no source"),
        ('"scopes",\n', '"scopes", "refresh",\n', "refresh is named as a key and stands nowhere"),
        ('"metadata", ', '"metadata", "refrehs", ', "refrehs is named as a key and stands nowhere"),
        ('"metadata", ', '"metadata", "identity", ', "identity.source is named in `documentation` and in `unverified`"),
        ('"https://shop.example/docs" =', '"a book" =', "is an https link"),
        (
            '"https://shop.example/docs" =',
            '"https://x.example" = []\n"https://shop.example/docs" =',
            "states something",
        ),
    ],
)
def test_every_line_has_one_source(old, new, fault):
    assert fault in "\n".join(faults_of(changed(old, new)))


def test_a_file_without_a_link_is_refused():
    text = GOOD[: GOOD.index("[documentation]")] + "[documentation]\n" + VALUES + SCOPES
    assert "documentation needs a link" in "\n".join(faults_of(text))


def test_the_more_exact_key_decides_where_both_lists_name_a_line():
    parse_definition(changed('"metadata", ', '"metadata", "identity.source", '), source="shop.toml")


@requirement("FETCH-01")
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{tenant}/authorize", "{tenat}/authorize", "{tenat} is not filled in here"),
        ("{tenant}/authorize", "authorize", "{tenant} stands nowhere"),
        ('audience = "api"', 'audience = "{accounts}"', "{accounts} is not filled in here"),
        ("{tenant}/authorize", "{accounts}/{tenant}", "{accounts} is not filled in here"),
        ('pattern = "[0-9a-f-]{36}"', 'pattern = "[0-9"', "no regular expression"),
        ('pattern = "[0-9a-f-]{36}"', "", "needs a pattern or values"),
        ('pattern = "[0-9a-f-]{36}"', 'pattern = "a"\nvalues = ["a"]', "needs a pattern or values"),
        ('default = "eu"', 'default = "asia"', "variables.region.default is not what the rule admits"),
        ('values = ["eu", "us"]', 'values = ["eu", "us.evil"]', "cannot stand for {region}"),
        ('values = ["eu", "us"]', 'values = ["eu", "us/"]', "cannot stand for {region}"),
        ('"https://accounts.shop.test"]', '"https://accounts.shop.test/x"]', "cannot stand for {accounts}"),
        ('"https://accounts.shop.test"]', '"http://accounts.shop.test"]', "cannot stand for {accounts}"),
        (
            'values = ["https://accounts.shop.example", "https://accounts.shop.test"]',
            'pattern = ".*"',
            "must be listed",
        ),
        ('path = "accounts-server"', 'path = "code"', "may not be code"),
        ('path = "accounts-server"', 'path = "x"\nurl = "https://shop.example/x"', 'is for from = "request"'),
        ("[metadata.accounts]", "[metadata.region]", "region is a variable and metadata"),
        ("[variables.tenant]", "[variables.token]", "no name for a value"),
        ("https://{region}.shop", "https://{client_id}.shop", "may not stand in a host"),
    ],
)
def test_a_placeholder_is_declared_and_cannot_bring_in_a_host(old, new, fault):
    assert fault in "\n".join(faults_of(changed(old, new)))


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ('[refresh]\nkind = "swap"', "refresh.grant_type and refresh.token_parameter are missing"),
        ('[revocation]\nurl = "https://shop.example/x"', "are for revocation.kind = request"),
        (
            '[revocation]\nkind = "request"\nurl = "https://shop.example/x"\njson = { a = "b" }\nform = { a = "b" }',
            "a json and a form body",
        ),
        (
            '[revocation]\nkind = "request"\nmethod = "GET"\nurl = "https://shop.example/x"\nform = { a = "b" }',
            "it has no body",
        ),
        ('[token]\nmethod = "GET"\nbody = "json"', "a GET has no body"),
        ('[token]\nparameters = { code = "x" }', "token.parameters may not set code"),
        ('[client_assertion]\nalgorithm = "ES256"\naudience = "https://shop.example"', "is for the method"),
    ],
)
def test_sections_must_agree(section, fault):
    key = section.split("]")[0].strip("[")
    text = changed('"metadata", ', f'"metadata", "{key}", ') + section
    assert fault in "\n".join(faults_of(text))


def test_a_fault_names_its_line_what_was_expected_and_the_fix():
    text = changed('access = "read"', 'access = "look"').replace("checked_on = 2026-11-24", 'checked_on = "today"')
    text = text.replace('values = ["eu", "us"]', 'values = "eu"').replace('display_name = "Shop"\n', "")
    lines = text.splitlines()
    day, values, scope = (1 + lines.index(line) for line in ('checked_on = "today"', 'values = "eu"', lines[-1]))
    assert faults_of(text) == (
        'display_name is missing. Fix: add display_name = "..."',
        f"line {day}: checked_on must be a day, as 2026-01-31. Fix: write checked_on = 2026-01-31",
        f'line {values}: variables.region.values must be a list, each a text. Fix: write values = ["..."]',
        f'line {scope}: scopes.me.access must be one of "read", "write". Fix: write access = "read"',
    )


def test_a_key_is_found_in_whatever_way_it_is_written():
    text = 'a = [\n  "x = 1", # ]\n]\n"b.c" = { d = 1 }\n[e.f]\ng.h = 2\n[ "i" ]\nj = \'[\'\nk = 3'
    lines = {"a": 1, "b.c": 4, "e.f": 5, "e.f.g.h": 6, "i": 7, "i.j": 8, "i.k": 9}
    assert find_lines(text) == lines
