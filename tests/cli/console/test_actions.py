"""Actions: what the forms do, what they ask, and what they refuse."""

import json
import re
from typing import Any

import pytest

from chalicelib.config import read_settings
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from chalicelib.records.subject import Subject
from cli.command_audit import ON_RECORD
from cli.console.actions.table import ACTIONS
from cli.console.command_runner import CommandRunner
from cli.deployment.operations import Deployment
from tests.kit.cli.console_visitor import Answer, Visitor
from tests.kit.cli.operator import Operator
from tests.kit.requirement import requirement

ABOUT = {
    "client_id": "f" * 32, "client": "f" * 32, "provider_id": "demo", "provider": "demo", "sub": "somebody",
    "user": "somebody", "connection_id": "c" * 32, "purpose": "signing", "name": "0123", "audience": "https://api.example",
}  # fmt: skip
FILLED = {
    "audience": "https://api.example",
    "name": "New",
    "redirect_uris": "https://new.example/callback",
    "client": "us",
    "version": "1",
}
ENDING = [slug for slug, action in ACTIONS.items() if action.ends]


@pytest.fixture(scope="module", autouse=True)
def keys(broker: Operator) -> None:
    broker.made("init")


@pytest.fixture(scope="module")
def deployment(broker: Operator) -> Deployment:
    return Deployment(read_settings(broker.environ))


@pytest.fixture
def client(broker: Operator) -> dict[str, Any]:
    """A client with a secret."""
    words = ("client", "create", "--name", "Notes", "--redirect-uri", "https://app.example/callback")
    made: dict[str, Any] = broker.made(*words, "--auth-method", "client_secret_basic")
    return made


def open_form(visitor: Visitor, slug: str, **about: str) -> dict[str, str]:
    """The fields that the form has when it is opened."""
    page = visitor.get(f"/actions/{slug}?" + "&".join(f"{name}={value}" for name, value in about.items()))
    assert page.status == 200, page.text
    inputs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: value.replace("&#39;", "'") for name, value in inputs}


def send(visitor: Visitor, slug: str, about: dict[str, str], **typed: str) -> Answer:
    """Open the form and send it."""
    return visitor.post(f"/actions/{slug}", open_form(visitor, slug, **about) | typed)


def records(broker: Operator) -> list[dict[str, Any]]:
    """Commands of operators, as recorded."""
    text = broker("audit", "export", "--since", "24h", "--json").out
    return [one for one in map(json.loads, text.splitlines()) if one["command"]]


@requirement("CONSOLE-08")
def test_an_action_does_what_the_command_does_and_is_recorded(
    visitor: Visitor, broker: Operator, client: dict[str, Any]
) -> None:
    about = {"client_id": client["client_id"]}
    done = send(visitor, "client-disable", about, typed="yes")
    assert done.status == 200 and "Done." in done.text
    assert broker.made("client", "show", client["client_id"])["disabled"] is True
    mine = [
        one for one in records(broker) if one["client_id"] == client["client_id"] and one["command"] == "client disable"
    ]
    assert [one["outcome"] for one in mine] == ["begun", "done"] and mine[0]["operator"] == mine[1]["operator"] != ""
    assert send(visitor, "client-enable", about).status == 200
    assert broker.made("client", "show", client["client_id"])["disabled"] is False


@requirement("CONSOLE-07")
@pytest.mark.parametrize("typed", [None, "", "no", "YES", "yess", "y"])
@pytest.mark.parametrize("slug", ENDING)
def test_nothing_ends_before_the_operator_has_typed_yes(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, slug: str, typed: str | None
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(CommandRunner, "ask", lambda self, *words: None)
    monkeypatch.setattr(CommandRunner, "do", lambda self, *words: ran.append(words))
    about = {name: ABOUT[name] for name in ACTIONS[slug].about}
    answer = send(visitor, slug, about, **FILLED, **({} if typed is None else {"typed": typed}))
    assert answer.status == 400 and "nothing was changed" in answer.text and ran == []


@requirement("CONSOLE-07")
def test_the_question_is_that_of_the_command(visitor: Visitor, broker: Operator, deployment: Deployment) -> None:
    put_connection(deployment)
    for slug, words in (
        ("stop-everything", ("kill", "everything")),
        ("keys-emergency", ("keys", "rotate", "signing", "--emergency")),
        ("user-erase", ("user", "erase", "somebody")),
        ("provider-revoke", ("connection", "revoke", "--provider", "demo")),
    ):
        before = records(broker)
        asked = broker(*words, typed="no\n")
        assert asked.code == 1 and "Type yes to go on" in asked.err
        assert records(broker) == before, "a command that is not confirmed does not begin"
        question = open_form(visitor, slug, **{name: ABOUT[name] for name in ACTIONS[slug].about})["question"]
        assert len(question) > 20 and question in asked.err


@requirement("CONSOLE-07")
def test_an_answer_to_another_question_changes_nothing(
    visitor: Visitor, broker: Operator, deployment: Deployment
) -> None:
    put_connection(deployment)
    form = open_form(visitor, "provider-revoke", provider="demo")
    assert form["question"].startswith("1 connection of")
    put_connection(deployment, "d" * 32)
    answer = visitor.post("/actions/provider-revoke", form | {"typed": "yes"})
    assert answer.status == 400 and "has changed since" in answer.text and "2 connections" in answer.text
    assert {one["status"] for one in broker.made("connection", "list", "--provider", "demo")} == {"active"}
    again = open_form(visitor, "provider-revoke", provider="demo")
    assert visitor.post("/actions/provider-revoke", again | {"typed": "yes"}).status == 200
    assert {one["status"] for one in broker.made("connection", "list", "--provider", "demo")} == {"revoked"}


@requirement("CONSOLE-07")
def test_a_form_is_sent_once(visitor: Visitor, broker: Operator, client: dict[str, Any]) -> None:
    form = open_form(visitor, "client-secret-rotate", client_id=client["client_id"]) | {"overlap": "600"}
    assert visitor.post("/actions/client-secret-rotate", form).status == 200
    for once in (form["once"], "", "x"):
        again = visitor.post("/actions/client-secret-rotate", form | {"once": once})
        assert again.status == 409 and "client_secret" not in again.text
    assert len(broker.made("client", "show", client["client_id"])["secrets"]) == 2


@requirement("CONSOLE-09")
def test_a_new_secret_is_shown_once_and_nowhere_else(
    visitor: Visitor, broker: Operator, client: dict[str, Any]
) -> None:
    form = open_form(visitor, "client-secret-rotate", client_id=client["client_id"]) | {"overlap": "600"}
    done = visitor.post("/actions/client-secret-rotate", form)
    (secret,) = re.findall(r'<code class="secret">([0-9a-f]{64})</code>', done.text)
    assert done.text.count(secret) == 1 and done.headers["Cache-Control"] == "no-store"
    pages = ("/", "/clients", f"/clients/{client['client_id']}", "/audit", "/keys")
    assert [path for path in pages if secret in visitor.get(path).text] == []
    assert [one for one in records(broker) if secret in str(one)] == []


@requirement("CONSOLE-08")
def test_an_app_is_registered_with_its_options(visitor: Visitor, broker: Operator) -> None:
    fields = {"name": "Web App", "method": "client_secret_basic", "scope": "openid profile", "optional": "profile"}
    uris = "https://one.example/callback\r\n https://two.example/callback \r\n"
    done = send(visitor, "client-create", {}, **fields, redirect_uris=uris, handout="proxy")
    assert done.status == 200, done.text
    row = next(one for one in broker.made("client", "list") if one["client_name"] == "Web App")
    assert row["redirect_uris"] == ["https://one.example/callback", "https://two.example/callback"]
    assert (row["token_endpoint_auth_method"], row["handout"], row["application_type"]) == (
        "client_secret_basic", "proxy", "web",
    )  # fmt: skip
    wrong = send(visitor, "client-create", {}, name="X", redirect_uris="http://evil.example/", method="none", scope="x")
    assert wrong.status == 400 and 'role="alert"' in wrong.text and 'value="X"' in wrong.text
    assert "X" not in [one["client_name"] for one in broker.made("client", "list")]


@requirement("CONSOLE-09")
def test_a_providers_secret_comes_from_a_file_or_a_variable_and_never_from_the_form(
    visitor: Visitor, broker: Operator, tmp_path: Any
) -> None:
    (tmp_path / "secret").write_text("of the provider\n")
    fields = {"client": "us", "issuer": "https://demo.example", "variables": ""}
    done = send(visitor, "provider-set", {"provider_id": "demo"}, **fields, secret=f"file:{tmp_path}/secret")
    assert done.status == 200, done.text
    assert broker.made("provider", "show", "demo")["secret"] is True
    for secret in ("-", "of the provider"):
        refused = send(visitor, "provider-set", {"provider_id": "demo"}, **fields, secret=secret)
        assert refused.status == 400 and "env:" in refused.text


@requirement("CONSOLE-08")
def test_a_user_is_stopped_allowed_signed_out_and_erased(
    visitor: Visitor, broker: Operator, deployment: Deployment
) -> None:
    deployment.store.put_subject(Subject(sub="person", session_salt=b"s" * 16, created_at=1))
    for slug in ("user-sign-out", "user-stop", "user-allow"):
        done = send(visitor, slug, {"sub": "person"}, typed="yes")
        assert done.status == 200, (slug, done.text)
        assert broker.made("user", "show", "person")["disabled"] is (slug == "user-stop")
    assert send(visitor, "user-erase", {"sub": "person"}, typed="yes").status == 200
    assert broker.made("user", "show", "person")["disabled"] is True


@requirement("CONSOLE-08", "CONSOLE-09")
def test_apis_and_registration_tokens_are_made_and_ended(visitor: Visitor, broker: Operator) -> None:
    assert send(visitor, "api-create", {}, audience="https://api.example", scope="orders:read").status == 200
    made = send(visitor, "registration-token-create", {}, uses="2", seconds="600", note="for CI", scope="openid")
    (token,) = re.findall(r'<code class="secret">(tb_register_[\w-]+)</code>', made.text)
    shown = visitor.get("/apis").text
    assert "https://api.example" in shown and "for CI" in shown and "0 of 2" in shown and token not in shown
    (name,) = [row["name"] for row in broker.made("registration-token", "list")]
    assert send(visitor, "registration-token-revoke", {"name": name}, typed="yes").status == 200
    assert send(visitor, "api-delete", {"audience": "https://api.example"}, typed="yes").status == 200
    assert broker.made("resource", "list") == broker.made("registration-token", "list") == []


@requirement("CONSOLE-08")
def test_jobs_and_keys_are_worked_on(visitor: Visitor, broker: Operator) -> None:
    assert send(visitor, "jobs-run", {}).status == 200
    assert send(visitor, "init", {}).status == 200
    assert send(visitor, "keys-rotate", {}, purpose="nonce").status == 200
    assert [row["state"] for row in broker.made("keys", "list") if row["purpose"] == "nonce"] == [
        "current",
        "published",
    ]
    refused = send(visitor, "keys-destroy", {}, purpose="nonce", version="one", typed="yes")
    assert refused.status == 400 and "invalid int value" in refused.text
    assert "version 1 is current" in send(visitor, "keys-destroy", {}, purpose="nonce", version="1", typed="yes").text


@requirement("CONSOLE-08")
def test_what_fails_in_part_says_what_is_left(visitor: Visitor, deployment: Deployment) -> None:
    put_connection(deployment, "e" * 32, client_id="a" * 32)
    done = send(visitor, "connection-revoke", {"connection_id": "e" * 32}, typed="yes")
    assert done.status == 200 and "revoked" in done.text


@requirement("CONSOLE-08")
@pytest.mark.parametrize("value", ["--help", "-x", "--yes", "", "'; x"])
@pytest.mark.parametrize(
    "slug", [slug for slug, action in ACTIONS.items() if action.about and slug != "keys-emergency"]
)
def test_a_value_is_never_an_option(visitor: Visitor, slug: str, value: str) -> None:
    form = {"csrf": visitor.server.console.session.csrf, "once": visitor.server.console.session.new_form()}
    about = dict.fromkeys(ACTIONS[slug].about, value)
    answer = visitor.post(f"/actions/{slug}", form | FILLED | about | {"typed": "yes"})
    assert answer.status == 400 and 'role="alert"' in answer.text, answer.text
    if value:
        options = vars(visitor.server.console.runner.parse(*ACTIONS[slug].command(FILLED | about)))
        assert value in options.values() and options.get("yes") in (None, False)


def test_every_action_is_a_command_that_is_recorded(visitor: Visitor) -> None:
    runner = visitor.server.console.runner
    for action in ACTIONS.values():
        words = action.command({**ABOUT, **FILLED, "purpose": "signing" if action.about else "nonce"})
        assert runner.parse(*words).command in ON_RECORD
    assert visitor.get("/actions/none").status == 404
    assert visitor.get("/actions/client-disable").status == 400


def test_a_page_that_is_read_runs_no_action(visitor: Visitor, broker: Operator, client: dict[str, Any]) -> None:
    path = f"/actions/client-delete?client_id={client['client_id']}&typed=yes&csrf=x&once=x"
    assert visitor.get(path).status == 200 and visitor.get(path).status == 200
    assert broker.made("client", "show", client["client_id"])


def put_connection(deployment: Deployment, connection_id: str = "c" * 32, client_id: str = "f" * 32) -> None:
    """An active connection of a user."""
    deployment.store.put_subject(Subject(sub="somebody", session_salt=b"s" * 16, created_at=1))
    made = Connection(
        connection_id=connection_id, sub="somebody", client_id=client_id, provider_id="demo", status="active",
        token_generation=1, connected_at=1_764_000_000, connected_by="n",
    )  # fmt: skip
    deployment.put(connection_item_key(connection_id), made)
