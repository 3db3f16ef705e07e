"""A deployment from its first command to a sign-in with what was made."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from local.fake.provider import RunningProvider
from local.trial.workshop import Clock
from tests.kit.cli.app_sign_in import APP, PROVIDER_SECRET, sign_in
from tests.kit.cli.operator import Done, Operator
from tests.kit.http.browser import FORM, request
from tests.kit.requirement import requirement

PURPOSES = ["signing", "handle", "cookie", "identity", "pepper", "user_code", "nonce", "pairwise", "vault", "audit"]


@pytest.fixture(scope="module", autouse=True)
def made(broker: Operator, provider: RunningProvider) -> dict[str, str]:
    """Before `init` every command says so; then keys, a provider, a client with its secret and one without."""
    broker("client", "create", "--name", "X", "--auth-method", "client_secret_basic", "--for-itself").refused(
        "broker init"
    )
    first, second = broker.made("init"), broker.made("init")
    assert sorted(first["created"]) == sorted(PURPOSES) and second["created"] == []
    provider.add_client("broker-at-demo", PROVIDER_SECRET, [f"{broker.environ['BROKER_ISSUER']}/callback/demo"])
    words = ["provider", "set", "demo", "--client-id", "broker-at-demo", "--issuer", provider.url, "--secret-from"]
    switched = broker.made(*words, "env:AT_DEMO", AT_DEMO=PROVIDER_SECRET)
    assert switched["redirect_uri"] == f"{broker.environ['BROKER_ISSUER']}/callback/demo"
    create = ["client", "create", "--name", "My App", "--redirect-uri", APP]
    client = broker.made(*create, "--auth-method", "client_secret_basic")
    public = broker.made(*create, "--native")
    assert "client_secret" not in public
    return {"client_id": client["client_id"], "client_secret": client["client_secret"], "public": public["client_id"]}


@requirement("GEN-11")
def test_ids_and_secrets_have_their_promised_form(made: dict[str, str]) -> None:
    assert re.fullmatch("[0-9a-f]{32}", made["client_id"]) and re.fullmatch("[0-9a-f]{32}", made["public"])
    assert re.fullmatch("[0-9a-f]{64}", made["client_secret"])


def test_what_was_made_really_signs_in(broker: Operator, provider: RunningProvider, made: dict[str, str]) -> None:
    status, tokens = sign_in(broker, provider, made["client_id"], made["client_secret"])
    assert status == 200 and tokens["access_token"]
    assert sign_in(broker, provider, made["public"], None)[0] == 200
    assert sign_in(broker, provider, made["client_id"], "0" * 64)[0] == 401


@requirement("OPS-01", "TOK-04")
def test_a_rotation_lets_two_secrets_live_and_ends_the_older(
    broker: Operator, provider: RunningProvider, made: dict[str, str], clock: Clock
) -> None:
    rotate = ["client", "secret", "rotate", made["client_id"]]
    second = broker.made(*rotate)
    assert len(second["secrets"]) == 2 and second["secrets"][0]["expires_at"] and not second["secrets"][1]["expires_at"]
    for secret in (made["client_secret"], second["client_secret"]):
        assert sign_in(broker, provider, made["client_id"], secret)[0] == 200
    third = broker.made(*rotate)
    assert len(third["secrets"]) == 2
    fourth = broker.made(*rotate, "--overlap", "0")
    assert len(fourth["secrets"]) == 1
    clock.advance(10)  # for which a warm broker may believe its record
    for secret in (made["client_secret"], second["client_secret"], third["client_secret"]):
        assert _status(broker, made["client_id"], secret) == 401
    assert sign_in(broker, provider, made["client_id"], fourth["client_secret"])[0] == 200
    broker("client", "secret", "rotate", made["client_id"], "--overlap", "-1").refused("--overlap")
    broker("client", "secret", "rotate", made["public"]).refused("no secret")
    broker("client", "secret", "rotate", "f" * 32).refused("broker client list")


def _status(broker: Operator, client_id: str, secret: str) -> int:
    """Of a request that only a right secret carries on to its false code."""
    form = urlencode({"grant_type": "authorization_code", "code": "x", "client_id": client_id})
    netloc = broker.environ["BROKER_ISSUER"].removeprefix("http://")
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"Content-Type": FORM, "Authorization": f"Basic {basic}"}
    return request(netloc, "POST", "/token", body=form, headers=headers).status


@requirement("GEN-18")
def test_no_list_and_no_page_of_the_command_shows_a_secret(typed: Callable[..., Done], made: dict[str, str]) -> None:
    commands = (
        ["client", "list"], ["client", "show", made["client_id"]], ["provider", "list"], ["provider", "show", "demo"],
        ["keys", "list"], ["resource", "list"],
    )  # fmt: skip
    for words in commands:
        for more in ([], ["--json"]):
            shown = typed(*words, *more)
            assert (shown.code, shown.err) == (0, ""), words
            assert made["client_secret"] not in shown.out and PROVIDER_SECRET not in shown.out
            assert not re.search(r"\b[0-9a-f]{64}\b", shown.out), words
    rows = typed("client", "list", "--json").json
    assert {row["client_id"] for row in rows} >= {made["client_id"], made["public"]}
    keys = typed("keys", "list", "--json").json
    assert [row["purpose"] for row in keys] == PURPOSES
    assert {row["state"] for row in keys} == {"signing", "current"} and keys[0]["kid"]


def test_a_deleted_client_is_gone(broker: Operator) -> None:
    client = broker.made("client", "create", "--name", "Short", "--redirect-uri", APP)
    assert broker.made("client", "show", client["client_id"])["client_name"] == "Short"
    assert broker.made("client", "delete", client["client_id"])["deleted"] is True
    broker("client", "show", client["client_id"]).refused("broker client list")
    broker("client", "delete", client["client_id"]).refused("broker client list")


@requirement("OPS-01")
def test_a_client_is_switched_off_and_on(broker: Operator) -> None:
    client = broker.made("client", "create", "--name", "Switched", "--redirect-uri", APP)
    for client_id in (client["client_id"], "https://client.example/app.json"):
        assert broker.made("client", "disable", client_id)["disabled"] is True
        assert broker.made("client", "enable", client_id)["disabled"] is False
        assert broker.made("client", "delete", client_id)["deleted"] is True
    broker("client", "disable", client["client_id"]).refused("broker client list")


@requirement("DPOP-01", "OPS-01")
def test_an_app_that_has_to_prove_its_key_is_made_shown_and_changed(broker: Operator) -> None:
    create = ["client", "create", "--name", "Holder", "--redirect-uri", APP]
    plain = broker.made(*create)
    assert plain["dpop_bound_access_tokens"] is False
    client = broker.made(*create, "--dpop-bound")
    update = ["client", "update", client["client_id"]]
    assert client["dpop_bound_access_tokens"] is True
    changed = broker.made(*update, "--dpop-bound", "no")
    assert {**changed, "dpop_bound_access_tokens": True} == client == broker.made(*update, "--dpop-bound", "yes")
    assert broker.made("client", "show", client["client_id"]) == client
    assert broker(*update, "--dpop-bound", "no", "--proxy-allow-all").code == 2
    for one in (plain, client):
        broker.made("client", "delete", one["client_id"])


@requirement("PRX-01", "OPS-01")
def test_rules_for_the_proxy_are_set_shown_and_taken_back(broker: Operator) -> None:
    rules = [
        "github GET,HEAD /user",
        "google * gmail.googleapis.com/gmail/v1",
        "github DELETE /",
        "github POST /gists gist",
    ]
    words = [word for rule in rules for word in ("--proxy-allow", rule)]
    create = ["client", "create", "--name", "Narrow", "--redirect-uri", APP, "--handout", "proxy"]
    client = broker.made(*create, *words)
    assert client["proxy_rules"] == rules
    assert broker.made("client", "show", client["client_id"])["proxy_rules"] == rules
    update = ["client", "update", client["client_id"]]
    changed = broker.made(*update, "--proxy-allow", "github GET /user")
    assert changed["proxy_rules"] == ["github GET /user"] and changed["revision"] == client["revision"]
    assert {**changed, "proxy_rules": []} == broker.made(*update, "--proxy-allow-all")
    assert broker.made(*update, "--proxy-allow", "github POST /gists")["proxy_rules"] == ["github POST /gists"]
    assert broker.made(*create)["proxy_rules"] == []
    pushes = broker.made(*update, "--require-pushed-requests", "yes")
    assert pushes["require_pushed_authorization_requests"] and pushes["proxy_rules"] == ["github POST /gists"]
    assert not broker.made(*update, "--require-pushed-requests", "no")["require_pushed_authorization_requests"]
    assert broker(*update).code == 1 and broker(*update, "--proxy-allow", "github").code == 1
    broker.made("client", "delete", client["client_id"])


@requirement("OUT-03", "OPS-01")
def test_where_users_return_to_after_a_sign_out_is_set_shown_and_changed(broker: Operator) -> None:
    option, bye, later = "--post-logout-redirect-uri", "https://app.example/bye", "https://app.example/later"
    create = ["client", "create", "--name", "Leaving", "--redirect-uri", APP]
    client = broker.made(*create, option, bye, option, later)
    assert client["post_logout_redirect_uris"] == [bye, later]
    update = ["client", "update", client["client_id"]]
    assert broker.made(*update, option, later) == {**client, "post_logout_redirect_uris": [later]}
    for wrong in ("http://app.example/bye", "javascript:alert(1)", "https://app.example/?state=x", "/bye"):
        for command in (create, update):
            assert broker(*command, option, wrong).code == 1, wrong
    assert broker.made("client", "show", client["client_id"])["post_logout_redirect_uris"] == [later]
    broker.made("client", "delete", client["client_id"])


@requirement("CONS-10", "OPS-01")
def test_what_an_app_is_for_is_said_shown_and_changed(broker: Operator) -> None:
    create = ["client", "create", "--name", "Filing", "--redirect-uri", APP]
    client = broker.made(*create, "--purpose", "  Files your invoices\n where you keep them. ")
    assert client["purpose"] == "Files your invoices where you keep them."
    update = ["client", "update", client["client_id"], "--purpose"]
    other = broker.made(*update, "Sorts your notes.")
    assert other == {**client, "purpose": "Sorts your notes.", "revision": client["revision"] + 1}
    assert broker.made(*update, "")["purpose"] == ""
    for wrong in ("x" * 161, "one\u202etwo"):
        assert broker(*update, wrong).code == broker(*create, "--purpose", wrong).code == 1
    assert broker(*update, "").code == 1, "nothing to change"
    broker.made("client", "delete", client["client_id"])


def test_the_one_command_of_the_repository_is_the_same(broker: Operator, made: dict[str, str]) -> None:
    show = ["client", "show", made["public"], "--json"]
    assert broker.start(*show) == broker(*show)
    for refused in (["client", "show", "f" * 32], ["client", "shwo"]):
        assert broker.start(*refused) == broker(*refused)


@requirement("F16")
def test_an_answer_in_the_log_is_read_from_a_file_or_from_standard_input(
    broker: Operator, typed: Callable[..., Done], tmp_path: Path
) -> None:
    fields = {"connection_id": "c" * 32, "generation": 1, "attempt": 1, "line": 1, "epoch": 0, "received_at": 7}
    line = json.dumps({"at": 7, "event": "alarm", "kind": "recovery_not_stored", **fields, "sealed": ["AAAA"]})
    expected = [{"connection": "c" * 32, "generation": 1, "received_at": 7, "outcome": "gone"}]
    file = tmp_path / "lines"
    file.write_text(f"START RequestId\n{line}\nEND\n")
    assert typed("vault", "recover", str(file), "--json").json == expected
    assert broker.made("vault", "recover", typed=line) == expected
    file.write_text("START RequestId\n")
    typed("vault", "recover", str(file)).refused("no line", "recovery_not_stored")
    typed("vault", "recover", str(tmp_path / "missing")).refused("missing")


def test_an_import_that_is_only_tried_is_not_told_as_done(
    broker: Operator, made: dict[str, str], tmp_path: Path
) -> None:
    line = {"provider": "demo", "subject": "zed", "access_token": "a", "scope": "notes:read"}
    (tmp_path / "accounts.jsonl").write_text(json.dumps(line))
    words = ["connection", "import", str(tmp_path / "accounts.jsonl"), "--client", made["client_id"]]
    assert "connections_imported" not in broker(*words, "--dry-run").refused("nothing was written").err
    assert "connections_imported" in broker(*words).refused("nothing was imported").err
