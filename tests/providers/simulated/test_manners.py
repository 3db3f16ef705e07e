"""What a file says is what its player does: parameters, authentication, bodies, paths, refresh tokens, revocation."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from local.fake.profile.paths import put
from tests.kit.providers.team_provider import CALLBACK, RawApp, ours

ROTATING = '[refresh]\nkind = "rotating"\n'
Make = Callable[..., RawApp]


@pytest.mark.parametrize(
    ("more", "changed", "error"),
    [
        ("", {"response_type": "token"}, "unsupported_response_type"),
        ("", {"scope": None}, "invalid_scope"),
        ("", {"scope": "me,write"}, "invalid_scope"),
        ("", {"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ('[authorization]\npkce = "required"\n', {}, "invalid_request"),
        ('[authorization]\npkce = "off"\n', {"code_challenge": "x" * 43}, "invalid_request"),
        ('[authorization]\nparameters = { access_type = "offline" }\n', {"access_type": "online"}, "invalid_request"),
    ],
)
def test_an_authorization_request_unlike_the_file_is_refused(
    raw: Make, more: str, changed: dict[str, Any], error: str
) -> None:
    assert f"error={error}" in raw(more).authorize(**changed)


def test_the_names_of_parameters_are_the_files(raw: Make) -> None:
    app = raw(
        '[authorization]\nclient_id_parameter = "client_key"\nscope_parameter = "user_scope"\nscope_separator = ","\n'
    )
    asked = {"client_key": "raw", "user_scope": "me,write"}
    assert "code=" in app.authorize(**asked)
    assert app.player.grants.families[-1].scopes == {"me", "write"}
    with pytest.raises(LookupError):
        app.authorize(client_key=None, client_id="raw")


def test_iss_comes_back_where_it_is_promised_and_only_there(raw: Make) -> None:
    assert "iss=" not in raw().authorize()
    promised = raw(authorization_response_iss_parameter_supported="true")
    assert "iss=https%3A%2F%2Flogin.team.example" in promised.authorize()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_an_app_proves_itself_the_files_way_and_no_other(raw: Make, method: str) -> None:
    app = raw(token_endpoint_auth_method=f'"{method}"')
    if method == "none":
        app.player.add_client("raw", None, [CALLBACK])
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    basic = {"Authorization": "Basic " + b64encode(b"raw:raw-secret").decode()}
    ways: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "client_secret_basic": ({}, basic),
        "client_secret_post": ({"client_id": "raw", "client_secret": "raw-secret"}, {}),
        "none": ({"client_id": "raw"}, {}),
    }
    from urllib.parse import urlencode

    for name, (fields, headers) in ways.items():
        body = urlencode({**form, "code": app.code(), **fields})
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", **headers}
        answer = app.send("POST", app.player.places.token, body, kind)
        assert answer.status == (200 if name == method else 401), (name, answer.text)
        assert answer.json.get("error") == (None if name == method else "invalid_client")


def test_the_body_is_of_the_files_kind(raw: Make) -> None:
    app = raw('[token]\nbody = "json"\nheaders = { X-Version = "7" }\n')
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "client_id": "raw"}
    document = {**form, "client_secret": "raw-secret", "code": app.code()}
    assert app.redeem().status == 401
    kind = {"Content-Type": "application/json", "Accept": "application/json"}
    assert app.send("POST", app.player.places.token, json.dumps(document), kind).json["error"] == "invalid_request"
    assert app.send("POST", app.player.places.token, json.dumps(document), {**kind, "X-Version": "7"}).status == 200


def test_an_answer_is_a_form_unless_json_is_asked_for(raw: Make) -> None:
    app = raw()
    form = "grant_type=authorization_code&client_id=raw&client_secret=raw-secret"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert "urlencoded" in app.send("POST", app.player.places.token, form, kind).headers["content-type"]


def test_members_lie_where_the_file_reads_them(raw: Make) -> None:
    app = raw(
        '[token]\nsuccess_member = "ok"\naccess_token_path = "authed.token"\nscope_path = "authed.scope"\n'
        'scope_separator = ","\nerror_path = "fault.word"\nerrors = { bad_code = "invalid_grant" }\n'
    )
    good = app.redeem().json
    assert good["ok"] is True
    assert good["authed"]["token"].startswith("team_at_")
    assert good["authed"]["scope"] == "me,write"
    assert "expires_in" not in good and "refresh_token" not in good
    bad = app.redeem("nonsense")
    assert (bad.status, bad.json["ok"], bad.json["fault"]) == (200, False, {"word": "bad_code"})


def test_an_end_that_the_file_assumes_is_not_said(raw: Make) -> None:
    app = raw(ROTATING + "[token]\ndefault_expires_seconds = 7200\n")
    tokens = app.redeem().json
    assert "expires_in" not in tokens and tokens["refresh_token"]
    app.player.grants.advanced = 7199
    assert app.api(tokens["access_token"]) == 200
    app.player.grants.advanced = 7200
    assert app.api(tokens["access_token"]) == 401


def test_a_code_is_good_once_and_used_twice_ends_what_it_gave(raw: Make) -> None:
    app = raw()
    code = app.code()
    token = app.redeem(code).json["access_token"]
    assert app.api(token) == 200
    assert app.redeem(code).json["error"] == "invalid_grant"
    assert app.api(token) == 401


def test_a_static_refresh_token_stays(raw: Make) -> None:
    app = raw('[refresh]\nkind = "static"\n')
    first = app.redeem().json
    again = [app.refresh(first["refresh_token"]).json for _ in range(3)]
    assert {each["refresh_token"] for each in again} == {first["refresh_token"]}
    assert len({each["access_token"] for each in again}) == 3


def test_without_refresh_there_is_no_such_grant(raw: Make) -> None:
    app = raw()
    assert "refresh_token" not in app.redeem().json
    assert app.refresh("anything").json["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("late", ["refuse", "revoke"])
def test_a_spent_refresh_token_is_refused_and_may_end_everything(raw: Make, late: str) -> None:
    app = raw(f'{ROTATING}late_reuse = "{late}"\n')
    first = app.redeem().json
    second = app.refresh(first["refresh_token"]).json
    assert app.refresh(first["refresh_token"]).json["error"] == "invalid_grant"
    lives = late == "refuse"
    assert (app.api(second["access_token"]) == 200) is lives
    assert (app.refresh(second["refresh_token"]).status == 200) is lives


@pytest.mark.parametrize("grace", ["same", "sibling", "newest"])
def test_within_its_window_a_spent_one_gives_what_the_file_says(raw: Make, grace: str) -> None:
    app = raw(f'{ROTATING}grace = "{grace}"\ngrace_seconds = 30\nlate_reuse = "revoke"\n')
    first = app.redeem().json["refresh_token"]
    second = app.refresh(first).json["refresh_token"]
    app.player.grants.advanced = 29
    third = app.refresh(first).json["refresh_token"]
    assert (third == second) is (grace == "same")
    if grace == "newest":
        assert app.refresh(second).json["error"] == "invalid_grant"
    else:
        assert app.refresh(second).status == 200
    app.player.grants.advanced = 60
    assert app.refresh(first).json["error"] == "invalid_grant"
    assert app.player.grants.families[-1].revoked


def test_hard_expiry_counts_from_the_consent(raw: Make) -> None:
    app = raw(f"{ROTATING}hard_expiry_seconds = 100\n")
    token = app.redeem().json["refresh_token"]
    app.player.grants.advanced = 99
    token = app.refresh(token).json["refresh_token"]
    app.player.grants.advanced = 100
    assert app.refresh(token).json["error"] == "invalid_grant"


def test_what_the_file_sends_along_with_a_refresh_is_demanded(raw: Make) -> None:
    app = raw(f"{ROTATING}sends_redirect_uri = true\nsends_scope = true\n")
    token = app.redeem().json["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert app.token(**form).json["error"] == "invalid_request"
    assert app.token(**form, redirect_uri=CALLBACK).json["error"] == "invalid_scope"
    assert app.token(**form, redirect_uri=CALLBACK, scope="me").status == 200


def test_a_new_sign_in_may_end_the_old_one(raw: Make) -> None:
    for ends in ("true", "false"):
        app = raw(new_grant_ends_old=ends)
        old = app.redeem().json["access_token"]
        new = app.redeem().json["access_token"]
        assert (app.api(old) == 401) is (ends == "true")
        assert app.api(new) == 200


@pytest.mark.parametrize("ends", ["token", "family", "app"])
def test_one_call_ends_as_much_as_the_file_says(raw: Make, ends: str) -> None:
    app = raw(f'{ROTATING}[revocation]\nkind = "rfc7009"\nends = "{ends}"\n')
    other = app.redeem().json
    tokens = app.redeem().json
    credentials = {"client_id": "raw", "client_secret": "raw-secret"}
    gone = app.post("https://login.team.example/revoke", {**credentials, "token": tokens["access_token"]})
    assert (gone.status, app.api(tokens["access_token"])) == (200, 401)
    assert (app.refresh(tokens["refresh_token"]).status == 200) is (ends == "token")
    assert (app.api(other["access_token"]) == 200) is (ends != "app")


def test_a_call_of_its_own_ends_a_token_and_says_when_it_was_over(raw: Make) -> None:
    app = raw(
        '[revocation]\nkind = "request"\nmethod = "DELETE"\nends = "token"\ngone = [404]\n'
        'auth = "client_secret_basic"\n'
        'url = "https://api.team.example/apps/{client_id}/token"\njson = { access_token = "{token}" }\n'
    )
    body = json.dumps({"access_token": app.redeem().json["access_token"]})
    basic = {"Authorization": "Basic " + b64encode(b"raw:raw-secret").decode(), "Content-Type": "application/json"}
    url = "https://api.team.example/apps/raw/token"
    assert app.send("DELETE", url, body, {"Content-Type": "application/json"}).status == 401
    assert app.send("PUT", url, body, basic).status == 401  # no other method ends anything: it is the API's
    assert [app.send("DELETE", url, body, basic).status for _ in range(2)] == [204, 404]


def test_the_api_knows_whose_token_it_is_and_wants_its_headers(raw: Make) -> None:
    app = raw('[api.headers]\nX-Version = "7"\n')
    token = app.redeem().json["access_token"]
    url = "https://api.team.example/v1/things/1"
    assert app.get(url, token).status == 400
    known = app.send("PUT", url, None, {"Authorization": f"Bearer {token}", "User-Agent": "t", "X-Version": "7"})
    assert (known.status, known.json["login"], known.json["scopes"]) == (200, "alice", ["me", "write"])
    assert known.json["called"] == f"PUT {url}"
    assert app.get(url, "nonsense").status == 401


def test_who_it_is_stands_where_the_file_reads_it(raw: Make) -> None:
    app = raw(
        '[identity.claims]\npreferred_username = "data.0.login"\nemail = "data.0.mail"\n'
        '[identity.email_list]\nendpoint = "https://api.team.example/mails"\nemail = "address"\n'
    )
    token = app.redeem().json["access_token"]
    me = app.get("https://api.team.example/me", token).json
    assert me == {"sub": "demo-7f3a51", "data": [{"login": "alice", "mail": "alice@demo.example"}]}
    listed = app.get("https://api.team.example/mails", token).json
    assert [(each["address"], each["primary"], each["verified"]) for each in listed] == [
        ("old@demo.example", False, True),
        ("alice@demo.example", True, True),
    ]


def test_discovery_names_addresses_of_the_door_that_was_used(play: Any) -> None:
    player = play(ours("google"))
    app = RawApp(player)
    path = "accounts.google.com/.well-known/openid-configuration"
    document = app.get(f"https://{path}", "").json
    assert document["issuer"] == f"{player.url}/accounts.google.com"
    assert document["token_endpoint"].startswith(f"{player.url}/accounts.google.com/")
    own = player.person().call(f"https://{path}", {}).json()
    assert own["issuer"] == "https://accounts.google.com"
    keys = player.person().call(own["jwks_uri"], {}).json()["keys"]
    assert (len(keys), keys[0]["alg"], keys[0]["kty"]) == (1, "RS256", "RSA")


def test_it_answers_for_its_own_hosts_alone(raw: Make) -> None:
    player = raw().player
    assert player.places.hosts == ["api.team.example", "login.team.example"]
    with pytest.raises(OSError, match="not a host of this provider"):
        player.person().get("https://elsewhere.example/")
    assert RawApp(player).get("https://elsewhere.example/", "").status == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", {"a": 1}),
        ("a.b", {"a": {"b": 1}}),
        ("a.1.b", {"a": [{}, {"b": 1}]}),
        ("0.id", {"0": {"id": 1}}),
    ],
)
def test_a_value_is_put_at_a_path(path: str, expected: dict[str, Any]) -> None:
    document: dict[str, Any] = {}
    put(document, path, 1)
    assert document == expected
