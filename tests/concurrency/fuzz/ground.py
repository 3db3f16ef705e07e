"""A broker of one example: the ways to its table, its keys and its provider with what is laid on them, and what every
answer has to keep to, whatever was asked."""

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from chalicelib.adapters.aws.transport import AwsRefusal, Transport
from chalicelib.protocol.handles import PREFIXES
from tests.kit import described
from tests.kit.connection_scene import PROFILES, Naps, TimeLeft, write_profile
from tests.kit.faults import READS, Fault, FaultyTransport, Past
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Parts, Stack
from tests.kit.http.tokens import NO_ANSWER

LAGGING = {"static", "grace", "app"}
"""The profiles at which the table's index tells of the past for ever."""
LATE = "L"
"""A call that takes effect, and once more when nobody expects it: a packet that the network had kept."""
PROVIDER_TOKEN = re.compile(r"demo_(?:at|rt|code)_")
OWN_TOKEN = re.compile("|".join(map(re.escape, PREFIXES.values())) + r"|eyJ[\w-]{8,}\.eyJ")
# The one alarm that a fault alone may raise: an answer that could not be stored, sealed, for `broker vault recover`.
ALLOWED_ALARM = "recovery_not_stored"


class Bad(Struct, frozen=True, kw_only=True):
    """What happens on the way to AWS during one request. `mode`: of tests/kit/faults.py, or LATE; `at` counts calls."""

    mode: str
    at: int = 0
    times: int = 1
    to: str = "table"


@dataclass
class Line:
    """The way to one service of AWS. `before` is called ahead of every call."""

    inner: Transport | None = None
    faulty: FaultyTransport | None = None
    doubled: int | None = None
    late: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        assert self.inner is not None
        self.before()
        if self.doubled is not None:
            self.doubled -= 1
            if self.doubled == -1 and operation not in READS:
                self.late.append((operation, payload))
        return (self.faulty or self.inner).call(operation, payload)

    def deliver_late(self) -> int:
        """What the network had kept arrives, so many calls; nobody waits for the answers."""
        assert self.inner is not None
        late, self.late = self.late, []
        for operation, payload in late:
            try:
                self.inner.call(operation, payload)
            except AwsRefusal:  # the condition did not hold a second time
                continue
        return len(late)


@dataclass(frozen=True)
class Outcome:
    """What came of a request: None where no answer did. struck: a fault was met on the way."""

    answer: Answer | None
    struck: bool


class Ground:
    """A broker with tables of its own at a provider of one profile.

    seen      answers so far, by status; 0 for none
    """

    def __init__(self, parts: Parts, folder: Path, profile: str, seen: Counter[str]) -> None:
        write_profile(folder, PROFILES[profile])
        self.profile, self.seen = profile, seen
        self.table, self.kms = Line(), Line()
        self.stack = Stack(
            parts, dynamodb=self.table, kms=self.kms, provider_dirs=(str(folder),), device_tries_per_address=10**9
        )
        self.table.inner, self.kms.inner = self.stack.dynamodb, self.stack.kms
        if profile in LAGGING:
            self.table.inner = Past(self.stack.dynamodb)
        self.provider, self.clock = self.stack.provider, self.stack.clock
        self._normal = dict(self.provider.faults.normal)
        self.provider.faults.normal |= PROFILES[profile].does
        self.provider.grants.clock = self.clock.now
        self.provider.grants.families.clear()
        self.secrets: set[str] = set()
        self._read_log = 0
        self.restart()

    def restart(self) -> None:
        """Another process: nothing that the old one remembered."""
        broker = self.stack.build(dynamodb=self.table, kms=self.kms)
        self.stack.broker = dataclasses.replace(broker, sleeper=Naps(self.stack), deadline=TimeLeft())

    def close(self) -> None:
        """Leave nothing behind for the next example."""
        self.provider.faults.normal = self._normal
        self.provider.faults.reset()
        self.provider.grants.clock = time.time
        self.stack.drop()

    def send(
        self,
        ask: Callable[[], Answer],
        bad: Bad | None = None,
        provider: Mapping[str, Any] | None = None,
        *,
        may_wait: bool = False,
    ) -> Outcome:
        """One request, with what happens on its way. Raises AssertionError for an answer that nobody may get.

        may_wait   it may be told to come later because of what happened to an earlier one
        """
        line = self.kms if bad and bad.to == "kms" else self.table
        self._misbehave(provider or {})
        asked = self.provider.count("token")
        if bad and bad.mode == LATE:
            line.doubled = bad.at
        elif bad:
            fault = Fault(mode=bad.mode, first=bad.at, times=bad.times)  # type: ignore[arg-type]
            line.faulty = FaultyTransport(line.inner, fault)  # type: ignore[arg-type]
        try:
            answer = ask()
        except NO_ANSWER:
            answer = None
        struck = line.faulty is not None and len(line.faulty.calls) > bad.at  # type: ignore[union-attr]
        line.faulty = line.doubled = None
        self._misbehave({})
        if bad and struck and bad.mode in "CK":
            self.restart()
        misled = bool(provider) and self.provider.count("token") > asked
        self.seen["faults met"] += struck + misled
        struck = struck or misled
        self.check(answer, struck, may_wait)
        return Outcome(answer, struck)

    def check(self, answer: Answer | None, struck: bool, may_wait: bool) -> None:
        """What holds for every answer, and for what was written to the log meanwhile."""
        self.seen[str(answer.status if answer else 0)] += 1
        assert not described.faults, described.faults
        if answer is None:
            assert struck, "no answer although nothing was in its way"
        elif answer.status >= 500:
            fits = (struck and answer.status in (502, 503)) or (may_wait and answer.status == 503)
            assert fits, (answer.status, answer.body[:300])
        self.check_secrets(answer)

    def check_secrets(self, answer: Answer | None) -> None:
        """Nothing that the app did not send or earn, in an answer or in the log."""
        said = "" if answer is None else answer.body + str(answer.headers)
        assert not [one for one in (*self.secrets, "demo_rt_") if one in said], "a secret is in an answer"
        log = self.stack.log.getvalue()
        new, self._read_log = log[self._read_log :], len(log)
        assert not [one for one in self.secrets if one in new], "a secret is in the log"
        assert not (PROVIDER_TOKEN.search(new) or OWN_TOKEN.search(new)), "a token is in the log"
        assert '"unhandled"' not in new, new
        alarms = [line for line in new.splitlines() if '"alarm"' in line and ALLOWED_ALARM not in line]
        assert not alarms, alarms

    def _misbehave(self, how: Mapping[str, Any]) -> None:
        """The provider, at its next token request."""
        self.provider.faults.reset()
        for name, value in {**how, **({"times": 1} if how else {})}.items():
            setattr(self.provider.faults, name, value)
