"""The grant protocol of one sign-in as an explicit-state model: every interleaving, the shortest trace to each fault.

python -m tests.concurrency.models.grant      all scenes under the product's rules, then each rule broken on purpose
"""

import sys
import time
from collections.abc import Iterator

from tests.concurrency.models.explore import explore
from tests.concurrency.models.programs import PROGRAMS
from tests.concurrency.models.world import LONGEST_REQUEST, SCENES, Actor, Rules, Step, World

MUST_HAPPEN = {  # out of reach, these would make the model worthless
    ("claims", "ours"), ("issues", "ours"), ("redeems", "ours"), ("advances", "ours"), ("redeems", "written"),
    ("claims", "refused: issued"), ("writes consent", "refused"), ("redeems", "refused: revoke"),
    ("advances", "refused: repeat"), ("advances", "refused: revoke"), ("advances", "refused: slow"),
    ("reads marks", "void"), ("reads marks", "over"), ("purges", ""), ("is answered", "1 after a mark"),
    ("is answered", "3"),
}  # fmt: skip


AT_THE_STORE = {"claim", "read", "consent", "issue", "redeem", "look", "advance", "marks"}


def moves(w: World, r: Rules) -> Iterator[tuple[Step, World, str | None]]:
    """Every step that an actor, the clock, the table's expiry or a crash can take: (step, world after it, fault)."""
    for index, actor in enumerate(w.actors):
        yield from _moves_of(w, r, index, actor)
    if w.grant is not None and w.grant.purge_at <= w.now:
        yield Step("table", "purges"), w._replace(grant=None), None
    if w.now < w.horizon and all(a.at in ("idle", "done") or w.now < a.started + LONGEST_REQUEST for a in w.actors):
        yield Step("clock", "ticks", str(w.now + 1)), w._replace(now=w.now + 1), None


def _moves_of(w: World, r: Rules, index: int, a: Actor) -> Iterator[tuple[Step, World, str | None]]:
    def put(world: World, actor: Actor) -> World:
        if actor.at in ("idle", "done"):  # what an ended request knew is forgotten: fewer worlds
            actor = actor._replace(started=0, shows=None, gets=None, saw=None, again=False, late="", stale=False)
        return world._replace(actors=(*w.actors[:index], actor, *w.actors[index + 1 :]))

    reads_grant = a.at != "marks" or a.shows != 0
    late = "revocation" if w.revocation_acknowledged and reads_grant else "mark" if w.decision_is_old else ""
    for step, changes, mine, fault in PROGRAMS[a.kind](w, a, r):
        wrote = mine.pop("wrote", False)
        mine.setdefault("again", False)
        if a.at in AT_THE_STORE and a.kind != "callback":
            mine["late"] = late
        yield step, put(w._replace(**changes), a._replace(**mine)), fault
        if wrote and w.lost_writes and not fault:
            waits = a._replace(again=True, stale=mine.get("stale", a.stale))
            yield step._replace(lost=True), put(w._replace(lost_writes=w.lost_writes - 1, **changes), waits), None
    if w.crashes and a.at not in ("idle", "done"):
        repeat = a.shows if a.kind == "tab" else None
        gone = a._replace(at="done") if a.kind == "callback" else a._replace(at="idle", repeat=repeat)
        yield Step(a.name, "crashes"), put(w._replace(crashes=w.crashes - 1), gone), None


RULES = Rules()
MISTAKES = {  # each must lead to a fault in some scene; were it harmless, the model would not see the rule
    "the marks are read without the grant": {"grant_is_read_with_the_marks": False},
    "with a grace of 0 no marks are read after the advance": {"marks_after_advance": "unless the grace is 0"},
    "any old token is slow while the last grace runs": {"only_two_behind_is_slow": False},
    "the grace includes its end": {"grace_excludes_its_end": False},
    "a decision of the mark's own second stands": {"marks_void_their_own_second": False},
    "the consent is written after the issue": {"consent_before_issue": False},
    "the grace is no longer than the longest request": {"grace": LONGEST_REQUEST},
    "a replay is called before the key is checked": {"key_is_checked_before_replay": False},
    "a claim takes over an expired item": {"claim_needs_absence": False},
    "redeeming ignores the secret": {"secret_is_checked": False},
    "the marks are not read after the advance": {"marks_after_advance": "never"},
    "the marks are not read after a code is redeemed": {"marks_after_redemption": False},
    "consent is written without its version": {"consent_is_versioned": False},
    "the item vanishes at its end": {"item_outlives_its_end": False},
}


def scenes_with_graces(rules: Rules, scenes: dict[str, World] = SCENES) -> Iterator[tuple[str, World, Rules]]:
    """Each scene with the rules' grace and with none; a sign-in alone has no grace."""
    for name, world in scenes.items():
        for grace in (rules.grace, 0) if world.decided_at is not None else (rules.grace,):
            yield f"{name}, grace {grace}", world, rules._replace(grace=grace)


def find_faults(
    rules: Rules, scenes: dict[str, World] = SCENES, *, stop_at_first: bool = False
) -> tuple[int, dict[str, tuple[str, list[Step]]], set[tuple[str, str]]]:
    """Worlds seen, fault -> (scene, shortest trace), and the (verb, outcome) pairs that happened."""
    worlds, faults, happened = 0, {}, set()
    for scene, start, with_grace in scenes_with_graces(rules, scenes):
        seen, found, reached = explore(start, lambda w, r=with_grace: moves(w, r), stop_at_first=stop_at_first)
        worlds, happened = worlds + seen, happened | reached
        for fault, steps in found.items():
            if fault not in faults or len(steps) < len(faults[fault][1]):
                faults[fault] = (scene, steps)
        if faults and stop_at_first:
            break
    return worlds, faults, happened


def main() -> int:
    """Print all; 0 when the product's rules hold and every mistake is caught."""
    began, caught = time.monotonic(), []
    for title, rules in {"the product's rules": RULES, **{k: RULES._replace(**v) for k, v in MISTAKES.items()}}.items():
        worlds, faults, happened = find_faults(rules, stop_at_first=rules != RULES)
        print(f"{title}: {worlds} worlds, {len(faults) or 'no'} fault{'s' * (len(faults) != 1)}")
        for fault, (scene, steps) in faults.items():
            print(f"  {fault}  [{scene}]\n    " + "; ".join(map(str, steps)))
        if rules == RULES:
            missing = MUST_HAPPEN - happened
            print(f"  never happened: {sorted(missing) or 'nothing that must'}")
            caught.append(not faults and not missing)
        else:
            caught.append(bool(faults))
    seconds = time.monotonic() - began
    print(f"the rules hold: {caught[0]}; mistakes caught: {sum(caught[1:])} of {len(MISTAKES)}; {seconds:.0f} s")
    return 0 if all(caught) else 1


if __name__ == "__main__":
    sys.exit(main())
