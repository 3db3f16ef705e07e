"""The store's verbs and the pure decisions take the model's steps: same outcome, same item after each."""

import os
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.process.system import SystemEntropy
from chalicelib.ports import Refused, Written
from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import RefreshRules, RevocationRules
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.item_keys import connection_item_key, recovery_item_key
from chalicelib.vault.rules.connection_merge import carry_over, is_superseded
from chalicelib.vault.rules.journal_decision import Keep, Replace, decide_recovery
from chalicelib.vault.rules.refresh_decision import LEASE_SECONDS, Finish, Lease, Refuse, Serve, Wait, decide_refresh
from chalicelib.vault.rules.renewed_connection import keeps_lost
from tests.concurrency.models.connection import FIXES, NOREC, PROFILES, initial, moves
from tests.kit.requirement import requirement
from tests.kit.store_scene import make_store

RULES = frozenset(FIXES)
DEMO: Any = load_catalog("local/providers").get("demo")
GRACES = {"": "none", "same": "same", "other": "sibling", "newest": "newest"}
SIZES = ["2,0,0,0,1,0", "1,1,0,0,1,0", "1,1,1,0,0,0", "1,0,1,0,1,0"]
STATES = int(os.environ.get("MODEL_STATES", "2000"))
START = 1_800_000_000
DECISIONS = {
    "reads a fresh": Serve, "reads: leased": Wait, "reads: recovery": Finish, "reads: reauth": Refuse,
    "reads: due": Lease,
}  # fmt: skip


def definition_of(profile: Any) -> Any:
    """The provider file that says what the model's profile does."""
    refresh = RefreshRules(
        kind="rotating" if profile.rotates else "static",
        grace=GRACES[profile.grace],  # type: ignore[arg-type]
        grace_seconds=30 if profile.grace else 0,
        late_reuse=profile.late,
        in_doubt=profile.doubt,
    )
    revocation = RevocationRules(kind="rfc7009", ends=profile.kills)
    return replace(DEMO, refresh=refresh, revocation=revocation, new_grant_ends_old=bool(profile.ends_old))


def token(pair: tuple[int, int]) -> bytes:
    """A token of the model as the item holds it; the store does not look inside."""
    return b"%d.%d" % pair if pair else b""


class Walk:
    """One walk: the real item goes where the model goes."""

    def __init__(self, store: Any, profile: Any) -> None:
        self.store, self.definition = store, definition_of(profile)
        self.connection_id = SystemEntropy().token_bytes(16).hex()
        self.now = START
        self.read: dict[int, Connection] = {}
        first = self.made(generation=1, refresh=(0, 0), expires=START - 1)
        assert isinstance(store.put_connection(first), Written)

    def made(self, *, generation: int, refresh: tuple[int, int], expires: int, **more: Any) -> Connection:
        """A sign-in's item."""
        fields: dict[str, Any] = {
            "connection_id": self.connection_id, "sub": "s", "client_id": "a", "provider_id": "demo",
            "status": "active", "token_generation": generation, "line": generation, "connected_at": self.now,
            "connected_by": SystemEntropy().token_bytes(8).hex(), "sealed_refresh_token": token(refresh),
            "access_expires_at": expires, "tokens_at": self.now - 3600, **more,
        }  # fmt: skip
        return Connection(**fields)

    @property
    def connection(self) -> Connection:
        found = self.store.read(connection_item_key(self.connection_id)).get(connection_item_key(self.connection_id))
        assert found is not None
        return found

    @property
    def recovery(self) -> Recovery | None:
        place = recovery_item_key(self.connection_id)
        return self.store.read(place).get(place)

    def take(self, i: int | None, what: str, before: Any, after: Any) -> None:
        """One step."""
        if i is not None and "CRASHES" not in what and "FREEZES" not in what:
            actor = before.acts[i]
            step = getattr(self, f"_{actor.kind}_{actor.pc}", None)
            if step is not None:
                step(i, actor, what, before, after)
        if "token ages" in what:
            self.store._put_plain(
                connection_item_key(self.connection_id),
                replace(self.connection, access_expires_at=START - 1),
                purge_at=0,
            )
        if before.conn.live and not after.conn.live and after.conn.owner:
            self.now += LEASE_SECONDS + 1
        self.compare(what, after)

    def compare(self, what: str, after: Any) -> None:
        """The item as the model has it."""
        real, conn, kept = self.connection, after.conn, self.recovery
        status = {"partial": "active"}.get(real.status, real.status)
        seen = (status, real.token_generation, real.line, real.sealed_refresh_token, real.attempt, real.lost)
        owner = real.lease_owner or "0"
        assert (*seen, owner) == (
            conn.status, conn.gen, conn.line, token(conn.refresh), conn.attempt, conn.lost, str(conn.owner),
        ), what  # fmt: skip
        assert (real.attempt_started > 0, real.is_leased(self.now)) == (bool(conn.opened), bool(conn.live)), what
        assert real.revoked_generation == conn.revgen, what
        assert set(real.outgoing) >= {token(one) for one in conn.out}, what
        answer = (kept.generation, kept.attempt, kept.line, kept.sealed) if kept and kept.generation >= 0 else None
        rec = after.rec
        assert answer == (None if rec == NOREC else (rec.gen, rec.attempt, rec.line, token(rec.tok))), what

    # A caller

    def _C_read(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        self.read[i] = self.connection
        for words, kind in DECISIONS.items():
            if words in what:
                decision = decide_refresh(self.read[i], self.recovery, self.definition, epoch=0, now=self.now)
                assert isinstance(decision, kind), (what, decision)
                assert not isinstance(decision, Lease) or bool(decision.doubt) == ("in doubt" in what), what

    def _C_lease(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        n = before.ghost.leases + 1
        result = self.store.lease_connection(
            self.read[i], owner=str(n), doubt=bool(actor.doubt), now=self.now, until=self.now + LEASE_SECONDS
        )
        assert isinstance(result, Written) == ("takes lease" in what), what
        if isinstance(result, Written):
            self.read[i] = result.item

    def _C_fail(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        lost = max(self.read[i].lost, int(actor.todo[0] == "in_doubt"))
        failed = replace(self.read[i], status=actor.todo[0], lost=lost)
        result = self.store.record_refresh_failure(failed, owner=str(actor.att))
        assert isinstance(result, Written) == ("records" in what), what

    def _C_put(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        mine = Recovery(
            connection_id=self.connection_id, generation=actor.g, attempt=actor.x, line=actor.y, sealed=token(actor.new)
        )
        result = self.store.put_recovery(mine)
        choice: Any = Replace(must_revoke=False)
        if isinstance(result, Refused):
            same = result.found.sealed == mine.sealed
            choice = decide_recovery(result.found, mine, self.definition, same_token=same)
        if "leaves a job" in what:
            assert choice == Replace(must_revoke=True)
            self.store.empty_recovery(result.found)
        elif "kept" in what:
            assert choice == Keep(must_revoke=after.acts[i].pc == "duty"), what
        else:
            assert choice == Replace(must_revoke=False), what
            if isinstance(result, Refused):
                assert isinstance(self.store.put_recovery(mine, replacing=result.found), Written)

    def _C_commit(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        read = self.read[i]
        renewed = replace(
            read,
            status="active",
            token_generation=actor.g + 1,
            sealed_refresh_token=token(actor.new),
            access_expires_at=START + 10**6,
            tokens_at=START,
            outgoing=(*read.outgoing, *(token(one) for one in actor.todo)),
        )
        result = self.store.commit_refresh(
            renewed,
            owner=str(actor.att) if actor.att else "",
            attempt=actor.x,
            keeps_lost=keeps_lost(read, self.definition),
        )
        assert isinstance(result, Written) == ("commits" in what), what

    # A sign-in, a revocation, a job

    def _S_read(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        self.read[i] = self.connection

    def _S_write(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        read = self.read[i]
        for _ in range(3):
            decided = self.now + 1 if actor.doubt or not read.revoked_at else read.revoked_at
            if is_superseded(self.connection, self.definition, decided_at=decided):
                assert "meets a tombstone" in what
                return
            replaced = self.definition.revocation.ends != "app" and not self.definition.new_grant_ends_old
            made = self.made(generation=read.token_generation + 1, refresh=actor.new, expires=START + 10**6)
            made = replace(
                made,
                connected_at=decided,
                outgoing=(*read.outgoing, *((read.sealed_refresh_token,) if replaced else ())),
                **carry_over(read, self.definition, keeps_refresh_token=False),
            )
            result = self.store.put_connection(made)
            if isinstance(result, Written):
                assert "writes" in what
                return
            if result.found.token_generation != actor.g:
                assert "another generation" in what
                return
            read = result.found
        raise AssertionError(what)

    def _R_tomb(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        self.now += not before.conn.live
        assert isinstance(self.store.revoke_connection(self.connection, now=self.now), Written)

    def _R_revoke(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        if "answers" in what:
            self._empty(actor.rec)
            if after.conn.settled:
                self.store.record_endings(self.connection, {"refresh_token": "revoked"}, settled_at=self.now)

    def _J_revoke(self, i: int, actor: Any, what: str, before: Any, after: Any) -> None:
        if "job ends" in what:
            self._empty(actor.new)

    def _empty(self, rec: Any) -> None:
        """Only the very answer that was ended."""
        if rec and rec.gen >= 0:
            seen = Recovery(connection_id=self.connection_id, generation=rec.gen, attempt=rec.attempt, line=rec.line)
            self.store.empty_recovery(seen)


def tours(profile: Any, size: str, kinds: set[str]) -> Iterator[list[tuple[int | None, str, Any, Any]]]:
    """The shortest walk to each kind of step that is not in `kinds` yet, among the nearest states."""
    start = initial(*map(int, size.split(",")))
    parent: dict[Any, Any] = {start: None}
    queue = deque([start])
    while queue and len(parent) < STATES:
        state = queue.popleft()
        for i, what, after, _ in moves(profile, RULES, state):
            if "answer lost, repeats" in what:
                continue  # a repeat meets its own write by its nonce: tests/store/test_lost_answers.py
            if after not in parent:
                parent[after] = (i, what, state)
                queue.append(after)
            kind = re.sub(r"\d+|\(.*?\)", "", what)
            if kind not in kinds:
                kinds.add(kind)
                walk = [(i, what, state, after)]
                while (came := parent[walk[0][2]]) is not None:
                    walk.insert(0, (came[0], came[1], came[2], walk[0][2]))
                yield walk


@requirement("VLT-07", "F16", "F17")
@pytest.mark.parametrize("name", PROFILES)
def test_model_and_store_agree_on_the_shortest_way_to_each_step(transport: Any, name: str) -> None:
    store, steps, kinds = make_store(transport), 0, set[str]()
    for size in SIZES:
        for walk in tours(PROFILES[name], size, kinds):
            replayed = Walk(store, PROFILES[name])
            for step in walk:
                replayed.take(*step)
                steps += 1
    assert steps > 200


@requirement("VLT-07")
def test_a_sign_in_meets_an_attempt_that_began_after_its_read(transport: Any) -> None:
    store = make_store(transport)
    walk = Walk(store, PROFILES["once"])
    read = walk.connection
    made = replace(walk.made(generation=2, refresh=(1, 0), expires=START), attempt=read.attempt)
    assert isinstance(store.lease_connection(read, owner="1", doubt=False, now=START, until=START + 15), Written)
    result = store.put_connection(made)
    assert isinstance(result, Refused) and result.found is not None and result.found.attempt == 1
    assert isinstance(store.put_connection(replace(made, attempt=1)), Written)


@requirement("VLT-07")
def test_a_revocation_that_has_not_seen_the_last_sign_in_changes_nothing(transport: Any) -> None:
    store = make_store(transport)
    walk = Walk(store, PROFILES["once"])
    read = walk.connection
    assert isinstance(store.put_connection(walk.made(generation=2, refresh=(1, 0), expires=START)), Written)
    assert isinstance(store.revoke_connection(read, now=START), Refused) and walk.connection.status == "active"
    assert isinstance(store.revoke_connection(walk.connection, now=START), Written)


@requirement("VLT-07")
def test_only_one_of_two_who_read_alike_gets_the_lease(transport: Any) -> None:
    store = make_store(transport)
    read = Walk(store, PROFILES["once"]).connection
    lease = {"doubt": False, "now": START, "until": START + 15}
    assert isinstance(store.lease_connection(read, owner="1", **lease), Written)
    assert isinstance(store.lease_connection(read, owner="2", **lease), Refused)
    again = {**lease, "now": START + 15}
    assert isinstance(store.lease_connection(replace(read, attempt=1), owner="2", **again), Refused)
    assert isinstance(store.lease_connection(read, owner="2", **{**lease, "now": START + 16}), Refused)
    assert isinstance(
        store.lease_connection(replace(read, attempt=1), owner="2", **{**lease, "now": START + 16}), Written
    )
