"""What each actor of the model does, step by step.

Each program yields the moves that its actor can take from a world: (step, changes of the world, changes of the actor,
fault or None). `wrote` among the actor's changes marks a conditional write, whose answer may be lost.
"""

from collections.abc import Iterator
from typing import Any

from tests.concurrency.models.world import CODE, COOKIE, SKEW, Actor, Consent, Grant, Rules, Step, World

Move = tuple[Step, dict[str, Any], dict[str, Any], str | None]


def is_over(grant: Grant | None, now: int) -> bool:
    """Absent, revoked or past its end."""
    return grant is None or grant.status == "revoked" or grant.expires_at <= now


def is_void(decided_at: int | None, consent: Consent, rules: Rules) -> bool:
    """True where a mark ends what was decided then."""
    if consent.mark is None or decided_at is None:
        return False
    return decided_at < consent.mark or (decided_at == consent.mark and rules.marks_void_their_own_second)


def explain(grant: Grant | None, actor: Actor, rules: Rules, now: int) -> str:
    """Why the table refused to advance: repeat, revoke, slow, or refuse (all else)."""
    known = actor.secret and (actor.bound or not rules.key_is_checked_before_replay)
    if grant is None or is_over(grant, now) or not known or grant.status != "active":
        return "refuse"
    if actor.shows >= grant.generation:
        return "refuse"

    def inside(since: int) -> bool:
        return now - since < rules.grace or (now - since == rules.grace and not rules.grace_excludes_its_end)

    behind = grant.generation - actor.shows
    if behind == 1:
        return "repeat" if inside(grant.advanced_at) else "revoke"
    if rules.only_two_behind_is_slow:
        return "slow" if behind == 2 and inside(grant.previous_advanced_at) else "revoke"
    return "slow" if inside(grant.advanced_at) else "revoke"


def callback(w: World, a: Actor, r: Rules) -> Iterator[Move]:
    """GET /callback: claim, ask the provider, read marks, write consent, issue, redirect."""
    g, done = w.grant, {"at": "done"}
    own = a.again and g is not None and g.written_by == a.name
    if a.at == "idle":
        if a.left and w.decided_at is not None and w.now < w.decided_at + COOKIE:
            yield Step(a.name, "arrives"), {}, {"at": "claim", "left": 0, "started": w.now}, None
    elif a.at == "claim":
        yield from _claim(w, a, r, own)
    elif a.at == "provider":
        fault = "two token requests for one state" if w.token_requests else None
        yield Step(a.name, "asks the provider"), {"token_requests": w.token_requests + 1}, {"at": "read"}, fault
    elif a.at == "read":
        void = is_void(w.decided_at, w.consent, r)
        then = "end" if void else "consent" if r.consent_before_issue else "issue"
        yield Step(a.name, "reads marks", "void" if void else "none"), {}, {"at": then, "saw": w.consent}, None
    elif a.at == "consent":
        yield _write_consent(w, a, r)
    elif a.at == "issue":
        yield from _issue(w, a, r, own)
    elif a.at == "end":
        yield Step(a.name, "revokes"), {"grant": g and g._replace(status="revoked", written_by=a.name)}, done, None
    elif a.at == "redirect":
        yield Step(a.name, "redirects"), {"code_known": True}, done, None
        if w.lost_answers:
            yield Step(a.name, "redirects", "lost"), {"lost_answers": w.lost_answers - 1}, done, None


def _claim(w: World, a: Actor, r: Rules, own: bool) -> Iterator[Move]:
    g = w.grant
    if own:
        yield Step(a.name, "claims", "ours"), {}, {"at": "provider"}, None
    elif g is None or (not r.claim_needs_absence and g.expires_at <= w.now):
        purge = w.decided_at + COOKIE + SKEW if r.item_outlives_its_end else w.now + CODE
        claimed = Grant("exchanging", 0, w.decided_at, 0, 0, w.now + CODE, purge, a.name)
        yield Step(a.name, "claims", "written"), {"grant": claimed}, {"at": "provider", "wrote": True}, None
    elif g.status == "issued" and g.expires_at > w.now:
        yield Step(a.name, "claims", "refused: issued"), {}, {"at": "redirect"}, None
    else:
        yield Step(a.name, "claims", f"refused: {g.status}"), {}, {"at": "done"}, None


def _write_consent(w: World, a: Actor, r: Rules) -> Move:
    if w.consent.version != a.saw.version and r.consent_is_versioned:
        return Step(a.name, "writes consent", "refused"), {}, {"at": "read"}, None
    mark = w.consent.mark if r.consent_is_versioned else a.saw.mark
    written = Consent(w.consent.version + 1, mark, True)
    fault = "a sign-in wrote consent over a mark set after its decision" if w.decision_is_old else None
    then = {"at": "issue" if r.consent_before_issue else "redirect"}
    return Step(a.name, "writes consent", "written"), {"consent": written}, then, fault


def _issue(w: World, a: Actor, r: Rules, own: bool) -> Iterator[Move]:
    g, then = w.grant, "redirect" if r.consent_before_issue else "consent"
    if g is not None and g.status == "exchanging":
        expires = w.now + CODE
        purge = max(w.decided_at + COOKIE, expires) + SKEW if r.item_outlives_its_end else expires
        issued = g._replace(status="issued", expires_at=expires, purge_at=purge, written_by=a.name)
        changes = {"grant": issued, "grants_issued": w.grants_issued + 1}
        fault = "two grants for one state" if w.grants_issued else None
        yield Step(a.name, "issues", "written"), changes, {"at": then, "wrote": True}, fault
    elif own:
        yield Step(a.name, "issues", "ours"), {}, {"at": then}, None
    else:
        yield Step(a.name, "issues", "refused"), {}, {"at": "done"}, None


def send(w: World, a: Actor, r: Rules, shows: int, verb: str, world: dict[str, Any] | None = None, **mine: Any) -> Move:
    """The beginning of a token request."""
    first = "redeem" if shows == 0 else "look" if r.grace == 0 or r.marks_after_advance == "never" else "advance"
    begun = {"at": first, "shows": shows, "started": w.now, "again": False, "late": "", "stale": False, "repeat": None}
    return Step(a.name, verb, shows=shows), world or {}, {**begun, **mine}, None


def tab(w: World, a: Actor, r: Rules) -> Iterator[Move]:
    """The honest client: it redeems its code, refreshes with what it holds, and repeats where an answer was lost."""
    if a.at != "idle":
        yield from token_request(w, a, r)
        return
    if a.repeat is not None:
        yield send(w, a, r, a.repeat, "sends again", {"excused": w.excused or a.repeat == 0})
    if w.code_known and not w.code_sent:
        yield send(w, a, r, 0, "sends", {"code_sent": True})
    if w.held is not None and a.left and a.repeat is None:
        yield send(w, a, r, w.held, "sends", left=a.left - 1)


def thief(w: World, a: Actor, r: Rules) -> Iterator[Move]:
    """He copies what the client holds and sends it, with or without the bindings."""
    if a.at != "idle":
        yield from token_request(w, a, r)
        return
    if a.copied is None and (w.held is not None or w.code_known):
        yield Step(a.name, "copies", shows=w.held or 0), {}, {"copied": w.held or 0}, None
    if a.copied is not None and a.left:
        stolen = w.stolen or (a.bound and a.secret)
        yield send(w, a, r, a.copied, "sends", {"excused": w.excused or stolen, "stolen": stolen}, left=a.left - 1)


def token_request(w: World, a: Actor, r: Rules) -> Iterator[Move]:
    """POST /token: redeem or advance, explain a refusal, read the marks, answer."""
    g, full = w.grant, a.bound and a.secret
    own = a.again and g is not None and g.written_by == a.name
    stranger = None if full else "a stranger without the bindings changed the grant"
    if a.at == "redeem":
        yield from _redeem(w, a, r, own, stranger)
    elif a.at == "look":
        void = full and g is not None and is_void(g.decided_at, w.consent, r)
        yield Step(a.name, "looks first", "void" if void else "none"), {}, {"at": "end" if void else "advance"}, None
    elif a.at == "advance":
        yield _advance(w, a, r, own, stranger)
    elif a.at == "marks":
        if is_void(w.decided_at, w.consent, r):
            yield Step(a.name, "reads marks", "void"), {}, {"at": "end"}, None
        elif r.grant_is_read_with_the_marks and a.shows != 0 and is_over(g, w.now):
            yield refuse(w, a, Step(a.name, "reads marks", "over"))
        else:
            yield Step(a.name, "reads marks", "none"), {}, {"at": "answer"}, None
    elif a.at in ("end", "revoke"):
        robbed = a.at == "revoke" and not w.excused and not is_over(g, w.now)
        fault = stranger or ("an honest client loses its grant" if robbed else None)
        yield refuse(w, a, Step(a.name, "revokes"), fault, grant=g and g._replace(status="revoked", written_by=a.name))
    elif a.at == "answer":
        yield from _answer(w, a, full)


def _redeem(w: World, a: Actor, r: Rules, own: bool, stranger: str | None) -> Iterator[Move]:
    g, then = w.grant, "marks" if r.marks_after_redemption else "answer"
    knows = a.bound and (a.secret or not r.secret_is_checked)
    if knows and not is_over(g, w.now) and g.status == "issued":
        ends = w.now + w.life
        purge = ends + SKEW * r.item_outlives_its_end
        active = Grant("active", 1, g.decided_at, w.now, w.now, ends, purge, a.name)
        changes = {"grant": active, "superseded": (w.now,)}
        yield Step(a.name, "redeems", "written", 0), changes, {"at": then, "gets": 1, "wrote": True}, stranger
    elif own:
        yield Step(a.name, "redeems", "ours", 0), {}, {"at": then, "gets": 1}, None
    elif a.bound and a.secret and not is_over(g, w.now):
        yield Step(a.name, "redeems", "refused: revoke", 0), {}, {"at": "revoke"}, None
    else:
        yield refuse(w, a, Step(a.name, "redeems", "refused: refuse", 0))


def _advance(w: World, a: Actor, r: Rules, own: bool, stranger: str | None) -> Move:
    g, shows = w.grant, a.shows
    reads = r.marks_after_advance == "always" or (r.marks_after_advance != "never" and r.grace)
    then = "marks" if reads else "answer"
    passed = w.superseded[shows] if shows < len(w.superseded) else None
    age = None if passed is None or a.again else w.now - passed
    stale = a.stale or (age is not None and (age > r.grace or r.grace == 0))
    excused = w.excused or (age is not None and age >= r.grace)
    why = explain(g, a, r, w.now)
    if a.bound and a.secret and not is_over(g, w.now) and g.status == "active" and g.generation == shows:
        moved = g._replace(
            generation=shows + 1, advanced_at=w.now, previous_advanced_at=g.advanced_at, written_by=a.name
        )
        changes = {"grant": moved, "superseded": (*w.superseded, w.now)}
        return (
            Step(a.name, "advances", "written", shows),
            changes,
            {"at": then, "gets": shows + 1, "wrote": True},
            stranger,
        )
    if own:
        return Step(a.name, "advances", "ours", shows), {}, {"at": then, "gets": g.generation}, None
    step = Step(a.name, "advances", f"refused: {why}", shows)
    if why in ("refuse", "slow"):
        return refuse(w, a._replace(stale=stale), step, excused=excused)
    mine = {"at": "marks" if why == "repeat" else "revoke", "gets": g.generation, "stale": stale}
    return step, {"excused": excused}, mine, None


def _answer(w: World, a: Actor, full: bool) -> Iterator[Move]:
    codes = w.code_answers + (a.shows == 0)
    faults = (
        ("a stranger without the bindings got an answer", not full),
        ("two answers for one code", a.shows == 0 and codes > 1),
        ("a second successor", a.gets != a.shows + 1),
        (f"an answer decided after an acknowledged {a.late}", bool(a.late)),
        ("tokens without a recorded consent", a.shows == 0 and w.consent == Consent()),
        (outlived(w, a, w.grant) or "", outlived(w, a, w.grant) is not None),
        ("a stale token is answered", a.stale),
    )
    fault = next((words for words, holds in faults if holds), None)
    marked = " after a mark" * (w.consent.mark is not None and not w.decision_is_old)
    step = Step(a.name, "is answered", f"{a.gets}{marked}")
    if a.kind == "thief":
        yield step, {"code_answers": codes}, {"at": "idle", "copied": a.gets}, fault
        return
    yield step, {"code_answers": codes, "held": max(w.held or 0, a.gets)}, {"at": "idle"}, fault
    if w.lost_answers:
        lost = {"code_answers": codes, "lost_answers": w.lost_answers - 1}
        yield Step(a.name, "is answered", "lost"), lost, {"at": "idle", "repeat": a.shows}, fault


def outlived(w: World, a: Actor, grant: Grant | None) -> str | None:
    """Once a thief has acted, a stale token shown with all else valid must have ended the grant by now."""
    if a.stale and a.bound and a.secret and w.stolen and not is_over(grant, w.now):
        return f"the {'thief' if a.kind == 'thief' else 'honest client'} shows a stale token and the grant lives"
    return None


def refuse(w: World, a: Actor, step: Step, fault: str | None = None, **changes: Any) -> Move:
    """A request ends without tokens."""
    grant = changes.get("grant", w.grant)
    fault = fault or outlived(w, a, grant)
    blameless = a.kind == "tab" and not changes.get("excused", w.excused)
    if blameless and not w.revocation_acknowledged and w.consent.mark is None and w.held is not None:
        others = any(
            b.kind == "tab" and b.name != a.name and (b.at != "idle" or b.repeat is not None) for b in w.actors
        )
        if not others and not is_over(grant, w.now) and grant.generation > w.held + 1:
            fault = fault or "an honest client loses its grant"
    return step, changes, {"at": "idle"}, fault


def one_step(w: World, a: Actor, r: Rules) -> Iterator[Move]:
    """Who acts once: the app that revokes, the user who withdraws on the account page, the user who decides."""
    if a.kind == "app" and a.left and w.grant is not None and w.grant.status == "active":
        over = w.grant._replace(status="revoked", written_by=a.name)
        yield Step(a.name, "revokes at /revoke"), {"grant": over, "revocation_acknowledged": True}, {"left": 0}, None
    elif a.kind == "account" and a.left:
        marked = Consent(w.consent.version + 1, w.now, False)
        changes = {"consent": marked, "decision_is_old": w.decided_at is not None}
        yield Step(a.name, "withdraws consent"), changes, {"left": 0}, None
    elif a.kind == "user" and a.left and w.now < 2:
        yield Step(a.name, "decides"), {"decided_at": w.now}, {"left": 0}, None


PROGRAMS = {
    "callback": callback, "tab": tab, "thief": thief, "app": one_step, "account": one_step, "user": one_step,
}  # fmt: skip
