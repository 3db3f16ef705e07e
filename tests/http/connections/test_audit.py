"""Nothing goes out that is not on record: over all that can be had of a third party, with faults at every call, and
with the records' store away."""

import hashlib
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import AwsUnreachable
from tests.kit.http.acting import start_acting
from tests.kit.http.fault_line import FAULTS, Line
from tests.kit.http.proxied import Api, Proxied, start_proxied
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, audits, change, refusal, start_session
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class Tally:
    """What went out, as those see it who got it: apps their tokens, the API its calls."""

    def __init__(self, proxied: Proxied, session: Session) -> None:
        self.proxied, self.session = proxied, session
        self.handed: list[str] = []

    def hand_out(self) -> bool:
        """Ask for the token; whether there was one in the answer."""
        answer = self.session.exchange()
        if answer.status == 200:
            self.handed.append(str(answer.json["access_token"]))
        return answer.status == 200

    def call(self) -> bool:
        """Call the API; whether the call got there."""
        before = len(self.proxied.api.asked)
        try:
            self.proxied.call(self.session)
        except (HTTPException, OSError):
            assert len(self.proxied.api.asked) <= before + 1
        return len(self.proxied.api.asked) > before

    @property
    def tokens(self) -> list[str]:
        """Each that was handed out or sent, by its hash."""
        sent = [asked.token for asked in self.proxied.api.asked]
        return sorted(hashlib.sha256(token.encode()).hexdigest() for token in self.handed + sent)


@requirement("AUD-01", "F26", "VLT-05")
def test_there_are_as_many_records_as_hand_outs_and_calls_whatever_fails(
    make_stack: Callable[..., Stack], api: Api, tmp_path: Path
) -> None:
    """A record without a hand-out is one whose write was the last that its request did: its answer was lost three
    times, or its process died. Nobody can tell it from one whose answer was lost on the way to the app: it counts."""
    proxied = start_proxied(make_stack, api, tmp_path)
    stack, line = proxied.stack, Line()
    line.stack = stack
    tally = Tally(proxied, start_session(stack, **CONFIDENTIAL))
    stack.broker = stack.build(dynamodb=line)
    assert tally.hand_out() and tally.call()  # all caches are warm
    change(stack, tally.session.connection_place(), access_expires_at=stack.clock.now() + 1)
    assert tally.hand_out()  # with a refresh at the provider before it
    alone = 0
    for mode, times in FAULTS:
        for at in (0, 1):  # the read, the record
            for act in (tally.hand_out, tally.call):
                before, done = len(audits(stack)), list[bool]()
                line.send(lambda: done.append(act()), mode, at=at, times=times)  # type: ignore[func-returns-value,arg-type,return-value]  # noqa: B023
                went_out = bool(done and done[0])
                written = len(audits(stack)) - before
                assert written == went_out or (written, mode, at) in ((1, "A", 1), (1, "C", 1)), (mode, at, written)
                alone += written - went_out
    records = audits(stack)
    assert len(records) - alone == len(tally.tokens) and alone == 4
    on_record = sorted(record["token_id"]["S"] for record in records)
    for token in set(tally.tokens):
        assert on_record.count(token) >= tally.tokens.count(token)
    assert {record["event"]["S"] for record in records} == {"handout", "proxy"}


class WithoutRecords:
    """The way to the table, on which no audit record can be written."""

    def __init__(self, stack: Stack) -> None:
        self._inner, self.tried = stack.dynamodb, 0

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "PutItem" and payload["Item"]["pk"]["S"].startswith("AUDIT#"):
            self.tried += 1
            raise AwsUnreachable("ConnectTimeoutError")
        return self._inner.call(operation, payload)


@requirement("F26", "AUD-01", "GEN-13")
def test_while_nothing_can_be_put_on_record_nothing_goes_out_and_all_else_goes_on(
    make_stack: Callable[..., Stack], api: Api, tmp_path: Path
) -> None:
    proxied = start_proxied(make_stack, api, tmp_path)
    stack = proxied.stack
    acted, session = start_acting(stack), start_session(stack)
    shown, actor = acted.shown, acted.tools.own_token()
    down = WithoutRecords(stack)
    stack.broker = stack.build(dynamodb=down)
    for answer in (session.exchange(), acted.tools.act(shown, actor=actor)):
        assert refusal(answer) == (503, "temporarily_unavailable") and "access_token" not in answer.body
        assert answer.header("retry-after")
    assert proxied.call(session).refusal == (503, "temporarily_unavailable", None)
    assert proxied.api.asked == [] and audits(stack) == [] and down.tried == 9
    assert session.userinfo().status == 200 and session.refresh().status == 200
    stack.restart()
    assert session.exchange().status == 200 and len(audits(stack)) == 1
