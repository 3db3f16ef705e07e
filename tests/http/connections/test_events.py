"""What an event bus is told: as its schema says, after the decision, in one call, and never instead of an answer."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from chalicelib.adapters.aws.event_bus_log import AT_ONCE, EVENTS
from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable
from chalicelib.config import ConfigurationError, read_settings
from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import DEPLOYMENT, SWEEP
from chalicelib.records.sweep import Sweep
from chalicelib.routes.schedule import run_once
from chalicelib.vault.unused_connections import FOREWARNED_SECONDS
from cli.main import build_parser
from local.package.package import ROOT
from local.package.template import build_template
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, change, events, refusal, start_session
from tests.kit.requirement import requirement

SCHEMAS = json.loads((ROOT / "docs" / "events.schema.json").read_text())["$defs"]


class Bus:
    """Stands before moto's EventBridge; `told` is what it took, by kind, each held against its schema."""

    def __init__(self, stack: Stack) -> None:
        self._inner = SignedTransport("events", endpoint_url=stack.settings.endpoint_url)
        self.calls, self.fails = list[int](), None
        self.told: list[tuple[str, dict[str, Any]]] = []
        stack.broker.log._events = self  # type: ignore[attr-defined]

    def call(self, operation: str, payload: Any) -> dict[str, Any]:
        self.calls.append(len(payload["Entries"]))
        if self.fails is not None:
            raise self.fails
        answer = self._inner.call(operation, payload)
        assert answer["FailedEntryCount"] == 0 and len(answer["Entries"]) == len(payload["Entries"])
        for entry in payload["Entries"]:
            assert entry["Source"] == "token-broker" and entry["EventBusName"] == "default"
            detail = json.loads(entry["Detail"])
            jsonschema.validate(detail, SCHEMAS[entry["DetailType"]])
            self.told.append((entry["DetailType"], detail))
        return answer

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told]


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A broker with a bus."""
    return make_stack(event_bus="default")


@pytest.fixture
def bus(stack: Stack) -> Bus:
    return Bus(stack)


@pytest.fixture
def session(stack: Stack) -> Session:
    return start_session(stack, **CONFIDENTIAL)


def sweep(stack: Stack) -> None:
    """The schedule, at the time of its look at all connections."""
    stack.deployment.put(SWEEP, Sweep())
    run_once(stack.broker)


@requirement("AUD-07", "REF-05")
def test_a_replay_and_a_revocation_are_told_in_one_call_each_and_nothing_else_is(
    stack: Stack, bus: Bus, session: Session
) -> None:
    second = start_session(stack, client=(session.client, session.sign_in.secret), who="bob")
    assert session.exchange().status == session.refresh().status == 200 and bus.calls == []
    stack.clock.advance(31)
    assert refusal(session.refresh()) == (400, "invalid_grant")
    stack.post("/revoke", session.client, session.sign_in.secret, token=second.refresh_token)
    stack.post("/revoke", session.client, session.sign_in.secret, token=second.refresh_token[:-2] + "xx")
    assert bus.kinds == ["replay.detected", "grant.revoked"] and bus.calls == [1, 1]
    (_, replayed), (_, revoked) = bus.told
    assert (replayed["grant_id"], replayed["issuer"]) == (session.claims["grant_id"], stack.settings.issuer)
    assert (revoked["grant_id"], revoked["sub"]) == (second.claims["grant_id"], second.claims["sub"])


@requirement("AUD-07", "VLT-08")
def test_a_connection_that_needs_its_user_is_told_now_and_ahead(stack: Stack, bus: Bus, session: Session) -> None:
    place = session.connection_place()
    soon = stack.clock.now() + FOREWARNED_SECONDS
    for reauth_by in (None, stack.clock.now(), soon + 1):
        change(stack, place, reauth_by=reauth_by)
        sweep(stack)
    assert bus.kinds == []
    change(stack, place, reauth_by=soon)
    sweep(stack)
    stack.clock.advance(1)
    run_once(stack.broker)  # not again before the next look
    assert bus.kinds == ["connection.reauth_by"] and bus.told[0][1]["reauth_by"] == soon
    change(stack, place, access_expires_at=stack.clock.now())
    stack.provider.faults.token_error = "invalid_grant"
    answer = session.exchange()
    assert refusal(answer) == (400, "invalid_grant") and answer.json["reason"] == "reauth_required"
    assert bus.kinds[1:] == ["connection.reauth_required"] and bus.calls == [1, 1]
    assert bus.told[-1][1]["connection_id"] == session.claims["connections"]["demo"]


@requirement("AUD-07", "GEN-13")
@pytest.mark.parametrize("fault", [AwsUnreachable("ConnectTimeoutError"), AwsRefusal("AccessDeniedException")])
def test_a_bus_that_fails_changes_no_answer(stack: Stack, bus: Bus, session: Session, fault: Exception) -> None:
    bus.fails = fault  # type: ignore[assignment]
    done = stack.post("/revoke", session.client, session.sign_in.secret, token=session.refresh_token)
    assert (done.status, bus.calls, bus.told) == (200, [1], [])
    (line,) = events(stack, "events_not_told")
    assert line["count"] == 1 and session.userinfo().status == 401
    bus.fails = None
    session.userinfo()
    assert bus.calls == [1]  # nothing is sent again


MARKS = {
    "kill client {client_id}": ("client", "client_id"),
    "client disable {client_id}": ("client", "client_id"),
    "kill user {sub}": ("user", "sub"),
    "kill provider demo": ("provider", "provider_id"),
    "kill everything --yes": ("everything", ""),
}


@requirement("AUD-09", "OPS-02")
@pytest.mark.parametrize("words", MARKS)
def test_a_mark_of_an_operator_is_told_once_and_by_the_schedule(
    stack: Stack, bus: Bus, session: Session, words: str
) -> None:
    """The operator's terminal never speaks to the bus."""
    stack.deployment.put(DEPLOYMENT, Deployment())
    kind, member = MARKS[words]
    options = build_parser().parse_args(words.format(**session.claims).split())
    options.no_count = True
    options.act(stack.deployment, options)
    assert session.userinfo().status == 401 and bus.kinds == []
    stack.clock.advance(600)  # the command's own clock is the table's
    for _ in range(2):
        run_once(stack.broker)
    ((told, detail),) = bus.told
    named = {"client_id": session.claims["client_id"], "sub": session.claims["sub"], "provider_id": "demo"}
    assert (told, detail["kind"], detail["by"]) == ("access.voided", kind, "operator")
    assert {name: detail[name] for name in named if name in detail} == ({member: named[member]} if member else {})


@requirement("AUD-09")
def test_what_an_operator_lets_begin_anew_is_told_to_nobody(stack: Stack, bus: Bus, session: Session) -> None:
    options = build_parser().parse_args(["kill", "client", session.claims["client_id"], "--undo"])
    options.act(stack.deployment, options)
    stack.clock.advance(600)
    run_once(stack.broker)
    assert bus.kinds == []


@requirement("AUD-07")
def test_many_of_one_run_go_in_few_calls_and_none_of_outside_a_request(stack: Stack, bus: Bus) -> None:
    stack.broker.log.event("alarm", kind="of nobody")
    stack.broker.log.begin()
    for number in range(AT_ONCE + 1):
        stack.broker.log.event("alarm", kind=f"of {number}", secret="x", other="y")
    stack.broker.log.summarize("jobs")
    assert bus.calls == [AT_ONCE, 1] and bus.told[0][1]["kind"] == "of 0"
    stack.broker.log.summarize("jobs")
    assert bus.calls == [AT_ONCE, 1]


@requirement("AUD-07")
def test_each_event_has_its_schema_and_its_row_and_holds_no_more() -> None:
    page = (ROOT / "docs" / "events.md").read_text()
    assert {kind for kind, _ in EVENTS.values()} == SCHEMAS.keys()
    for kind, members in EVENTS.values():
        common = {"schema", "at", "issuer", "deployment"}
        assert SCHEMAS[kind]["properties"].keys() - common == set(members) and f"| `{kind}` | " in page
        jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind])


@requirement("AUD-07", "OPS-03")
def test_without_a_bus_nobody_has_a_right_to_send_and_with_one_for_it_alone(
    make_stack: Callable[..., Stack], tmp_path: Any
) -> None:
    assert not hasattr(make_stack().broker.log, "_events")
    for wrong in ("a bus", "arn:aws:sqs:eu-west-1:123456789012:q", "*"):
        with pytest.raises(ConfigurationError, match="EVENT_BUS"):
            read_settings({"BROKER_ISSUER": "https://login.example", "BROKER_EVENT_BUS": wrong})
    for folder in (".chalice", "infra", "chalicelib"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "app.py", tmp_path)
    config = tmp_path / ".chalice" / "config.json"
    changed = json.loads(config.read_text())
    changed["environment_variables"]["BROKER_EVENT_BUS"] = "acts"
    config.write_text(json.dumps(changed))
    resources = build_template("./x.zip", arch="arm64", root=tmp_path)["Resources"].values()
    functions = [one for one in resources if one["Type"] == "AWS::Serverless::Function"]
    told = [json.dumps(one) for one in resources if one["Type"] == "AWS::IAM::Role" and '"events:' in json.dumps(one)]
    assert len(told) == len(functions) and all("event-bus/acts" in one and "PutEvents" in one for one in told)
    assert not any("events:" in file.read_text() for file in (ROOT / ".chalice").glob("policy-*.json"))
