"""What operators do is on record: every command of the parser, before it begins, with who typed it and no secret."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import Transport
from chalicelib.ports import StoreUnavailable
from chalicelib.records.subject import Subject
from cli.command_audit import CHANGES_NOTHING, ON_RECORD, Act, begin, name_commands, run_on_record
from cli.deployment.aws import name_caller, terminal_session
from cli.deployment.operations import Deployment, list_clients
from cli.main import build_parser
from tests.cli.audit.audit_records import Records, faults, when
from tests.kit.cli.operator import Done, Operator, deployed
from tests.kit.faults import Fault, Mode, ProcessDied
from tests.kit.requirement import requirement

WHO = "arn:aws:sts::123456789012:user/moto"
SECRET, ACCOUNT, NOTE = "canary-secret", "canary-account", "canary note"
CREATE = ("client", "create", "--name", "Notes", "--auth-method", "client_secret_basic", "--for-itself")
Rows = list[dict[str, Any]]
SECRETS = [SECRET, ACCOUNT, NOTE]


def exported(broker: Operator) -> Rows:
    out = broker("audit", "export", "--since", "1h", "--json").out
    return [row for row in map(json.loads, out.splitlines()) if row["event"] == "operated"]


@pytest.fixture(scope="module")
def day(broker: Operator, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Every command that changes something is typed once; those that fail here are on record all the same."""
    folder = tmp_path_factory.mktemp("acts")
    (folder / "empty").write_text("")
    broker.made("init")
    client = broker.made(*CREATE)
    at_demo = ("--client-id", "us", "--issuer", "https://demo.example", "--secret-from", "env:THERE")
    broker.made("provider", "set", "demo", *at_demo, THERE=SECRET)
    broker.made("resource", "create", "--audience", "https://api.example")
    token = broker.made("registration-token", "create", "--note", NOTE)
    SECRETS.extend((str(folder), client["client_secret"], token["initial_access_token"]))
    deployed(broker).store.put_subject(Subject(sub="somebody", session_salt=b"s" * 16, created_at=1))
    for words in (
        *(f"client {verb} {client['client_id']}" for verb in ("disable", "enable", "secret rotate")),
        f"client update {client['client_id']} --purpose en=Notes --add-scope demo:notes:read",
        f"registration-token revoke {token['name']}",
        f"registration-token revoke {token['initial_access_token']}",
        *(f"kill {what} --no-count --yes" for what in (f"client {client['client_id']}", "user somebody", "everything")),
        "kill provider demo --no-count", "kill everything --undo", "kill user somebody --undo",
        "user sign-out somebody", "user erase somebody --yes", f"user erase --provider demo --account {ACCOUNT} --yes",
        "keys rotate vault", "keys destroy vault 1", "vault reseal", f"vault recover {folder / 'empty'}",
        f"connection import {folder / 'empty'} --client {client['client_id']}",
        f"connection import {folder / 'empty'} --client {client['client_id']} --dry-run",
        f"connection export --to {folder / 'none.pem'} --out {folder / 'out'} --provider demo",
        f"connection revoke --client {client['client_id']}", "jobs run", "restore finish",
        f"client delete {client['client_id']}", "client list",
        "resource update --audience https://api.example --lifetime 300",
        "resource delete --audience https://api.example",
        "issuer add https://idp.invalid --name idp", "issuer forget-keys idp", "issuer remove idp",
        f"issuer accept idp --kind access_token --audience us --client {client['client_id']}",
        f"issuer unaccept idp --kind access_token --client {client['client_id']}", "kill issuer idp --no-count",
    ):  # fmt: skip
        broker(*words.split(" "))
    return exported(broker)


@requirement("AUD-08")
def test_every_command_is_on_record_or_changes_nothing() -> None:
    commands = list(name_commands(build_parser()))
    assert ON_RECORD.keys() & CHANGES_NOTHING == set()
    assert sorted(commands) == sorted([*ON_RECORD, *CHANGES_NOTHING])


@requirement("AUD-08")
@pytest.mark.parametrize("command", ON_RECORD)
def test_a_command_leaves_its_beginning_and_its_end(day: Rows, command: str) -> None:
    mine = [row for row in day if row["command"] == command]
    begun = [row for row in mine if row["outcome"] == "begun"]
    ends = {row["begun"]: row for row in mine if row["outcome"] != "begun"}
    assert begun and ends.keys() == {row["id"] for row in begun}
    for row in begun:
        assert row["operator"] == ends[row["id"]]["operator"] == WHO
        assert not (members := ON_RECORD[command].ids.values()) or any(row[member] for member in members)


@requirement("AUD-08")
def test_a_record_says_about_whom_with_which_options_and_what_came_of_it(day: Rows) -> None:
    said = {
        (row["command"], row["outcome"]): {name: value for name, value in row.items() if value} for row in day
    }  # fmt: skip
    created = said["client create", "done"]["client_id"]
    assert said["client create", "begun"]["given"]["name"] == "Notes"
    update = said["client update", "begun"]
    assert (update["client_id"], update["given"]["add_scope"]) == (created, "demo:notes:read")
    assert said["client update", "done"]["client_id"] == created
    assert said["kill provider", "done"]["provider_id"] == "demo"
    assert said["user erase", "begun"]["user"] == "somebody"
    assert said["keys rotate", "done"]["given"] == {"purpose": "vault", "version": "2", "done": "published"}
    assert said["keys destroy", "begun"]["given"] == {"purpose": "vault", "version": "1"}
    assert ("keys destroy", "done") not in said and ("keys destroy", "failed") in said
    assert said["registration-token create", "begun"]["given"]["note"] == "given"
    assert said["connection export", "begun"]["given"] == {"to": "given", "out": "given"}
    assert said["resource create", "begun"]["audience"] == "https://api.example"


@requirement("AUD-08", "GEN-18")
def test_no_record_holds_a_secret_an_account_a_path_or_a_note(day: Rows) -> None:
    """Not even a secret that somebody types where a name belongs."""
    text = json.dumps(day)
    assert [one for one in SECRETS if one in text] == [] and "[redacted]" in text


@requirement("AUD-08")
def test_a_try_that_writes_nothing_is_not_on_record(day: Rows) -> None:
    assert [row for row in day if "dry_run" in (row["given"] or {})] == []


@requirement("AUD-08")
@pytest.mark.parametrize("mode", ["K", "C"])
def test_a_command_that_is_killed_has_left_its_beginning(broker: Operator, day: Rows, mode: Mode) -> None:
    known = {client.client_id for client in list_clients(deployed(broker))}
    with pytest.raises(ProcessDied):
        run_on_record(deployed(broker, Fault(mode=mode, operation="PutItem", first=1)), typed_words(*CREATE))
    made = {client.client_id for client in list_clients(deployed(broker))} - known
    assert len(made) == (mode == "C")
    last = [row for row in exported(broker) if row["id"] not in {row["id"] for row in day}][-1]
    assert (last["command"], last["outcome"], last["given"]["name"]) == ("client create", "begun", "Notes")


@requirement("AUD-08")
def test_what_cannot_be_put_on_record_is_not_done(broker: Operator) -> None:
    known = len(list_clients(deployed(broker)))
    with pytest.raises(StoreUnavailable):
        run_on_record(deployed(broker, Fault(mode="B", operation="PutItem", times=9)), typed_words(*CREATE))
    assert len(list_clients(deployed(broker))) == known


@requirement("AUD-08")
def test_a_secret_that_was_just_made_is_shown_though_its_end_is_not_on_record(
    broker: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = deployed(broker, Fault(mode="B", operation="PutItem", first=2, times=9))
    assert run_on_record(failing, typed_words(*CREATE))["client_secret"]
    assert "record of this command's end was not written" in capsys.readouterr().err


@requirement("AUD-08")
def test_a_record_has_the_tables_time_and_not_the_terminals(broker: Operator) -> None:
    """One far behind would stand in a window that is sealed, as if somebody had put it in."""

    class Elsewhere:
        ahead = 0

        def __init__(self, table: Transport) -> None:
            self.table = table

        def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
            answer = self.table.call(operation, payload)
            self.ahead = 300  # known from the first answer on
            return answer

    here = deployed(broker)
    there = Deployment(here.settings, dynamodb=Elsewhere(here.dynamodb), kms=here.kms)
    act = begin(there, typed_words("jobs", "run"), ON_RECORD["jobs run"])
    assert act.at >= here.clock.now() + 240


@requirement("AUD-02", "AUD-08")
def test_an_act_is_sealed_and_whoever_changes_it_is_found(broker: Operator, typed: Callable[..., Done]) -> None:
    records = Records(deployed(broker))
    act = Act(event="operated", at=records.at(1) + 50, request_id="a" * 24, operator=WHO, command="kill everything")
    records.deployment.store.append_audit(act)
    records.deployment.store.append_audit(replace(act, request_id="b" * 24, outcome="done", begun="a" * 24))
    records.seal()
    assert typed("audit", "verify").code == 0
    item = next(one for one in records.of_window(1) if one.get("outcome") == {"S": "done"})
    records.put(item, operator={"S": "arn:aws:sts::123456789012:user/another"})
    assert faults(typed("audit", "verify", "--json")) == [(when(records, 1), "record_changed")]


@requirement("AUD-08")
def test_who_typed_it_is_the_access_key_where_aws_does_not_say() -> None:
    terminal_session.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "x")
        assert name_caller("http://127.0.0.1:9") == "access key AKIAEXAMPLE"
    terminal_session.cache_clear()


def typed_words(*words: str) -> Any:
    parser = build_parser()
    return parser.parse_args(list(words))
