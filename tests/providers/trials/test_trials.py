"""Files that deviate, each from sign-in to revocation: a strict provider is sent what each key says."""

from collections.abc import Callable

import pytest

from tests.kit.providers.team_files import SWAP, signing

Trial = Callable[..., list[str]]
ROTATING = '[refresh]\nkind = "rotating"\n'
EXCHANGE = """
[exchange]
endpoint = "https://graph.team.example/access_token"
method = "GET"
grant_type = "team_exchange_token"
token_parameter = "access_token"
parameters = { version = "7" }
"""
TOKEN_SOURCE = """
[identity]
source = "token"
issuer = "https://login.team.example"
subject = ["team.id", "authed_user.sub"]
claims = { name = "owner.name" }
"""
JSON_QUERY = """
[identity]
source = "userinfo"
issuer = "https://login.team.example"
subject = "data.viewer.id"
method = "POST"
json = { query = "{ viewer { id } }" }
"""


@pytest.mark.parametrize(
    "sections",
    [
        '[token]\nmethod = "GET"\nparameters = { version = "7" }\n' + ROTATING,
        '[token]\nbody = "json"\nheaders = { X-Version = "7" }\n' + ROTATING,
        '[token]\nsuccess_member = "ok"\nerror_path = "error.code"\n' + ROTATING,
        '[token]\nerror_path = "error.code"\nerrors = { "190" = "invalid_grant" }\n' + ROTATING,
        '[token]\nwithin = ["authed_user", ""]\ntoken_types = ["user"]\n' + ROTATING,
        'implied_scopes = ["added"]\n[token]\nunnamed_scopes = ["write"]\n' + ROTATING,
        "[authorization]\nsends_scope = false\n" + ROTATING,
        '[authorization]\nresponse_mode = "form_post"\nscope_parameter = "user_scope"\nscope_separator = ","\n'
        + ROTATING,
        '[authorization]\nclient_id_parameter = "client_key"\nparameters = { owner = "user" }\n' + ROTATING,
        '[refresh]\nkind = "rotating"\nendpoint = "https://api.team.example/refresh"\nsends_redirect_uri = true\n'
        "sends_scope = true\n",
    ],
    ids=lambda text: text.splitlines()[1].partition(" ")[0],
)
def test_requests_for_tokens(trial: Trial, sections: str) -> None:
    first, _, rest = sections.partition("\n")
    changed = {"implied_scopes": first.partition(" = ")[2]} if first.startswith("implied") else {}
    said = trial(rest if changed else sections, **changed)
    assert said[2] == "rotating, one request"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
@pytest.mark.parametrize("method", ["client_assertion", "signed_secret"])
def test_signed_credentials(trial: Trial, method: str, algorithm: str) -> None:
    assert trial(**signing(method, algorithm))[2] == "rotating, one request"


def test_an_access_token_is_swapped_while_it_lives(trial: Trial) -> None:
    assert trial(SWAP)[2] == "swap, one request"


def test_a_short_token_is_exchanged_for_a_long_one(trial: Trial) -> None:
    said = trial(EXCHANGE)
    assert said[0] == "alice, 2 request to the token endpoint"
    assert int(said[1].split()[-2]) > 30 * 86400


def test_both(trial: Trial) -> None:
    said = trial(EXCHANGE + SWAP)
    assert (said[0], said[2]) == ("alice, 2 request to the token endpoint", "swap, one request")


@pytest.mark.parametrize(
    "identity",
    [
        TOKEN_SOURCE,
        TOKEN_SOURCE + "userinfo = true\n",
        JSON_QUERY,
        *(
            '[identity]\nsource = "userinfo"\nissuer = "https://x.example"\nmethod = "POST"\n' + body
            for body in (
                'body = "null"\nheaders = { X-Client = "{client_id}" }\n',
                'body = ""\n',
                'body = { token = "{token}", full = "1" }\n',
            )
        ),
    ],
    ids=["token", "token and userinfo", "json", "null", "empty", "form"],
)
def test_who_signed_in(trial: Trial, identity: str) -> None:
    assert trial(identity)[0].startswith("alice, ")


def test_a_token_in_a_header_of_the_providers_own(trial: Trial) -> None:
    header = 'token_header = "X-Team-Token"\ntoken_prefix = ""\n'
    said = trial('[api]\nbase_url = "https://api.team.example/v1"\n' + header)
    assert said[1].startswith("the API knows alice"), said


@pytest.mark.parametrize(
    "revocation",
    [
        'json = { access_token = "{token}", client = "{client_id}" }\nauth = "client_secret_basic"\n',
        'form = { t = "{token}" }\nauth = "client_secret_post"\nsuccess_member = "revoked"\n',
        'form = { t = "{token}" }\nauth = "client_id"\n',
        'auth = "bearer"\nsuccess_member = "ok"\n',
        'method = "GET"\nauth = "none"\n',
        'method = "DELETE"\nauth = "none"\ngone = [404]\n',
    ],
    ids=["json", "form", "client_id", "bearer", "GET", "DELETE"],
)
@pytest.mark.parametrize("ends", ["token", "family", "app"])
def test_revocation_calls(trial: Trial, revocation: str, ends: str) -> None:
    token = "{token}" if "method" in revocation else ""
    query = "?token={token}" if 'method = "GET"' in revocation else ""
    url = "https://api.team.example/end" + (f"/{token}" if token and not query else "") + query
    said = trial(f'{ROTATING}[revocation]\nkind = "request"\nurl = "{url}"\nends = "{ends}"\n{revocation}')
    assert said[4] == "refresh_token revoked, access_token revoked"


def test_a_swapped_token_is_revoked_as_what_it_is(trial: Trial) -> None:
    said = trial(SWAP + '[revocation]\nkind = "rfc7009"\naccepts = ["access_token"]\n')
    assert said[4] == "access_token revoked"
