"""Sections of a team's provider file, each with one deviation."""

FORM_POST = """
[authorization]
response_mode = "form_post"
[identity.callback]
parameter = "user"
claims = { name = "name" }
"""


SWAP = """
[token]
default_expires_seconds = 5184000
[refresh]
kind = "swap"
method = "GET"
endpoint = "https://graph.team.example/refresh_access_token"
grant_type = "team_refresh_token"
token_parameter = "access_token"
sends_client = false
in_doubt = "again"
"""


def signing(method: str, algorithm: str) -> dict[str, str]:
    more = f"""
[client_assertion]
algorithm = "{algorithm}"
audience = "https://login.team.example"
issuer = "TEAM-ID"
key_id = "KEY-1"
[refresh]
kind = "rotating"
"""
    return {"more": more, "token_endpoint_auth_method": f'"{method}"'}
