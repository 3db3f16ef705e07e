"""A provider file of a team's own in which nearly every address waits for a value."""

from chalicelib.providers.definition import ProviderDefinition, parse_definition

TENANTS = """\
provider_id = "team"
display_name = "Team"
checked_on = 2026-01-01
issuer = "https://{region}.team.example/{tenant}"
authorization_endpoint = "https://{region}.team.example/{tenant}/authorize"
token_endpoint = "https://{region}.team.example/{tenant}/token"
userinfo_endpoint = "https://{region}.team.example/{tenant}/me"
revocation_endpoint = "https://{region}.team.example/{tenant}/revoke"
sign_in_scopes = ["me"]
token_endpoint_auth_method = "client_secret_post"
unverified = [
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "sign_in_scopes",
    "token_endpoint_auth_method", "variables", "identity", "refresh", "revocation", "api", "scopes",
]

[documentation]
"https://team.example/docs" = ["scopes.me"]

[variables.region]
title = "Region"
values = ["eu", "us"]
default = "eu"

[variables.tenant]
title = "Tenant"
pattern = "[a-z0-9.]{3,20}"
example = "acme"

[identity]
source = "userinfo"
issuer = "https://{region}.team.example/{tenant}"

[refresh]
kind = "rotating"

[revocation]
kind = "rfc7009"
user_page = "https://{region}.team.example/settings"

[api]
base_url = "https://{region}.team.example/v1"
hosts = ["files-{region}.team.example"]

[scopes]
me = { title = "see who you are", access = "read" }
write = { title = "change things", access = "write" }
"""


def read(text: str) -> ProviderDefinition:
    """The text as a definition."""
    return parse_definition(text, source="team.toml")


def changed(text: str, *pairs: tuple[str, str]) -> str:
    """The text with each first place replaced; every one is there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


CENTERS = """\
provider_id = "centers"
display_name = "Centers"
checked_on = 2026-01-01
issuer = "https://login.team.example"
authorization_endpoint = "https://login.team.example/authorize"
token_endpoint = "{accounts}/token"
userinfo_endpoint = "{accounts}/me"
sign_in_scopes = ["me"]
token_endpoint_auth_method = "client_secret_post"
unverified = [
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "sign_in_scopes",
    "token_endpoint_auth_method", "metadata", "identity", "refresh", "revocation", "api", "scopes",
]

[documentation]
"https://team.example/docs" = ["scopes.me"]

[metadata.accounts]
from = "callback"
path = "accounts-server"
values = ["https://accounts.team.test", "https://accounts.team.example"]
default = "https://accounts.team.test"

[metadata.company]
from = "callback"
path = "companyId"
pattern = "[0-9]{1,9}"

[metadata.center]
from = "token"
path = "api.center"
values = ["us", "eu"]

[metadata.site]
from = "request"
url = "https://{center}.team.example/sites"
path = "0.id"
pattern = "[a-z-]{1,40}"
default = "none"

[identity]
source = "userinfo"
issuer = "https://login.team.example"

[refresh]
kind = "rotating"

[revocation]
kind = "request"
ends = "family"
method = "POST"
url = "{accounts}/{company}/revoke"
auth = "client_secret_post"
form = { token = "{token}" }

[api]
base_url = "https://{center}.team.example/{company}/{site}"
hosts = ["files-{center}.team.example"]

[scopes]
me = { title = "see who you are", access = "read" }
write = { title = "change things", access = "write" }
"""
