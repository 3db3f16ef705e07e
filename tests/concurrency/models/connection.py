"""The connection protocol as an explicit-state model: refresh, sign-in, revocation and jobs in every order.

    python -m tests.concurrency.models.connection

tries the product's rules at every kind of provider, each rule left out, and each protocol broken on purpose (about a
minute). `--traces` adds the shortest trace to each fault, `--deep` more callers and faults (many minutes).

One connection, one recovery item, jobs, and the grants at the provider. Every call to the table or to the
provider is one atomic step, and every order of steps is tried. A process may die between any two (the user repeats a
revocation, the schedule a job); a holder may freeze past its lease; a call to the provider may fail or lose its answer;
the answer of a commit or of a sign-in's write may be lost, and the write is then repeated. Faults come out of one
purse. A token is the pair (grant at the provider, number).

Left out: time (only orders), access tokens (they live as long as their grant), back-off and counts of tries, scopes,
epochs, a second client at the same account. A loser gives up here and another caller comes; in the code it waits and
looks again. A refusal, and an answer that this release cannot read, are never put into the recovery item. A spent
token's revocation is answered 200 and ends nothing.

Excused, since no order of writes can repair it: a crash between the provider's commit and the put of its answer; a
holder that freezes after its last look at the clock and sends when another has refreshed, where reuse gives a second
token. Where a second answer ends the first, two freezes among three callers still lose a token (--profile newest --size
3,0,0,0,2,1), so --deep ends with status 1 for that run: the file of such a provider had better claim no grace.

The rules, by name:
    open_attempt        revoking says pending while an attempt is open, lease or not, whose answer is not in the
                        recovery item; `failed` once an answer was lost
    revoke_then_delete  a recovery item is ended at the provider before it is emptied
    rec_guard           revoking takes the recovery item only IF generation <= revoked_generation
    keep_answer         a put never destroys an earlier sign-in's (or a sibling's) answer: a job first
    lease_attempt       the lease's condition names the attempt that was read
    look_again          refused in doubt, the recovery item is read again; an answer for this generation is finished
    grace_clock         in doubt, reuse inside the grace only while the window is open
    outgoing            a sign-in's write keeps the replaced refresh token until it is revoked
    signin_once         a sign-in recognises its own write by a mark that refreshes do not touch
    settle              where one revocation ends every grant of ours: over a tombstone only if decided after that call
    attempt_order       who was overtaken leaves its answer in the recovery item and does not commit; who finishes from
                        the item commits only IF attempt is still the one that was read
"""

import argparse
import sys
import time
from collections import deque, namedtuple
from multiprocessing import Pool

# rotates: a refresh replaces the refresh token. grace: what reuse gives inside the window: '' none, 'same' token,
# 'other' sibling (both live), 'newest' (the earlier child dies). late: reuse outside it, 'refuse' or 'revoke' (the
# whole grant). ends_old: a new sign-in ends the old grant. kills: what a revocation call ends. doubt: again/once/ask.
Profile = namedtuple("Profile", "text rotates grace late ends_old kills doubt")
PROFILES = {
    "static": Profile("static refresh token", 0, "", "refuse", 0, "family", "again"),
    "once": Profile("rotates, reuse is refused", 1, "", "refuse", 0, "family", "once"),
    "ask": Profile("rotates, reuse revokes the grant", 1, "", "revoke", 0, "family", "ask"),
    "same": Profile("rotates, grace gives the same token", 1, "same", "refuse", 0, "family", "again"),
    "sibling": Profile(
        "rotates, grace gives a sibling, late reuse revokes, revocation per token",
        1,
        "other",
        "revoke",
        0,
        "token",
        "again",
    ),
    "newest": Profile(
        "rotates, grace gives another token and the earlier child dies", 1, "newest", "refuse", 0, "family", "again"
    ),
    "ends-old": Profile("static, a new sign-in ends the old grant", 0, "", "refuse", 1, "family", "again"),
    "app": Profile("static, revocation ends every grant of our app", 0, "", "refuse", 0, "app", "again"),
}
FIXES = (
    "open_attempt",
    "revoke_then_delete",
    "rec_guard",
    "keep_answer",
    "lease_attempt",
    "look_again",
    "grace_clock",
    "outgoing",
    "signin_once",
    "settle",
    "attempt_order",
)

# line: the generation written by the last sign-in. opened: attempt_started is set. out: replaced, not yet revoked.
# lost: an answer was lost (1 of this sign-in, 2 of an earlier one). by: who signed in. settled: revoked there.
# Act: g, att, tok, new: generation, lease, token used, token received. over: overdue. stale: a mark was set since its
# read. x, y: attempt and line (caller). Ghost, for the checks only: owed: grants that `revoked` promises; gone, excuse:
# what nothing can repair.
Conn = namedtuple("Conn", "status gen line refresh fresh owner live opened attempt revgen lost out by settled")
Fam = namedtuple("Fam", "ok nxt grace")  # one grant at the provider: accepted tokens, next, window
Rec = namedtuple("Rec", "gen attempt line tok")
Act = namedtuple("Act", "kind pc g att tok new doubt rec todo over stale x y")
Ghost = namedtuple("Ghost", "answer owed excuse gone leases")
S = namedtuple("S", "conn rec fams jobs acts faults ages mark ghost")
NONE, NOREC = (), Rec(-1, -1, -1, ())


def idle(kind, pc):
    return Act(kind, pc, 0, 0, NONE, NONE, 0, NOREC, (), 0, 0, 0, 0)


def initial(callers, revokers, signers, marks, faults, ages):
    acts = [idle("C", "read")] * callers + [idle("J", "idle")] * bool(revokers or signers)
    acts += [idle("M", "mark")] * marks + [idle("R", "tomb")] * revokers + [idle("S", "decide")] * signers
    conn = Conn("active", 1, 1, (0, 0), 0, 0, 0, 0, 0, 0, 0, (), 0, 0)
    return S(conn, NOREC, (Fam((0,), 1, ()),), (), tuple(acts), faults, ages, 0, Ghost("", (), 0, (), 0))


# ---- the provider: each call is one atomic step -------------------------------------------------------------------


def accepts(s, tok):
    return bool(tok) and tok[1] in s.fams[tok[0]].ok


def set_fam(s, f, fam):
    return s._replace(fams=(*s.fams[:f], fam, *s.fams[f + 1 :]))


def refresh_at_provider(p, s, tok):
    """(state after, new refresh token or () for invalid_grant)."""
    f, n = tok
    fam = s.fams[f]
    child = fam.nxt
    if n in fam.ok:
        if not p.rotates:
            return s, tok
        ok = tuple(sorted(set(fam.ok) - {n} | {child}))
        return set_fam(s, f, Fam(ok, child + 1, (n, child) if p.grace else ())), (f, child)
    if fam.ok and fam.grace and fam.grace[0] == n:
        if p.grace == "same":
            return s, (f, fam.grace[1])
        ok = (*fam.ok, child) if p.grace == "other" else (child,)
        return set_fam(s, f, Fam(ok, child + 1, (n, child))), (f, child)
    if p.late == "revoke":
        s = set_fam(s, f, Fam((), fam.nxt, ()))
    return s, NONE


def revoke_at_provider(p, s, tok):
    """RFC 7009: an unknown or spent token is answered 200 and changes nothing (the pessimistic reading)."""
    if not accepts(s, tok):
        return s
    dead = lambda fam: Fam((), fam.nxt, ())
    if p.kills == "app":
        return s._replace(fams=tuple(map(dead, s.fams)))
    fam = s.fams[tok[0]]
    left = tuple(n for n in fam.ok if n != tok[1]) if p.kills == "token" else ()
    return set_fam(s, tok[0], Fam(left, fam.nxt, fam.grace if left else ()))


# ---- the actors: each yields (what happened, next state, [violations]) --------------------------------------------


def put(s, i, act, **changes):
    return s._replace(acts=(*s.acts[:i], act, *s.acts[i + 1 :]), **changes)


def with_job(s, tok):
    return tuple(sorted(set(s.jobs) | {("tok", tok)}))


def done(s, i, **changes):
    return put(s, i, idle(s.acts[i].kind, "done"), **changes)


def no_older(old, new):
    return ["an older token was written over a newer one"] if old.refresh and new.refresh < old.refresh else []


def caller(p, m, s, i):
    a, c = s.acts[i], s.conn
    if a.pc == "read":  # one batch read: connection, recovery item, marks
        finish = s.rec.gen == c.gen and (c.opened or c.status == "in_doubt" or "look_again" in m)
        if c.status == "revoked" or s.mark:
            yield "reads: revoked, refuses", done(s, i), []
        elif c.fresh and c.status == "active":
            yield "reads a fresh access token", put(s, i, a._replace(pc="audit", tok=c.refresh)), []
        elif c.owner and c.live:
            yield "reads: leased, gives up (503)", done(s, i), []
        elif finish and "no_recovery" not in m:
            yield (
                "reads: recovery answer for this generation",
                put(s, i, a._replace(pc="commit", g=c.gen, x=c.attempt, new=s.rec.tok)),
                [],
            )
        elif c.status == "reauth_required":
            yield "reads: reauth_required", done(s, i), []
        else:
            yield (
                "reads: due" + (", in doubt" if c.opened or c.status == "in_doubt" else ""),
                put(s, i, a._replace(pc="lease", g=c.gen, x=c.attempt, doubt=int(c.opened or c.status == "in_doubt"))),
                [],
            )
    elif a.pc == "lease":
        ok = (c.gen == a.g or "lease_ignores_generation" in m) and c.status in ("active", "in_doubt")
        ok = ok and (not c.owner or not c.live or "lease_ignores_holder" in m)
        if not ok or ("lease_attempt" in m and c.attempt != a.x):
            yield "loses the lease, gives up", done(s, i), []
            return
        n = s.ghost.leases + 1
        conn = c._replace(owner=n, live=1, opened=1, attempt=c.attempt + 1, lost=max(c.lost, a.doubt))
        a = a._replace(pc="call", att=n, tok=c.refresh, x=conn.attempt, y=c.line)
        fam = s.fams[c.refresh[0]]
        ways = [p.doubt] if a.doubt else ["call"]
        if a.doubt and p.grace and "grace_clock" in m:  # by the clock: inside the window or not
            ways = (["again"] if fam.grace or fam.nxt == c.refresh[1] + 1 else []) + [
                {"revoke": "ask", "refuse": "once"}[p.late]
            ]
        for way in ways:
            pc, x = ("look" if "look_again" in m else "fail", "reauth_required") if way == "ask" else ("call", "")
            yield (
                f"takes lease {n} of generation {a.g}" + f" ({way})" * a.doubt,
                put(s, i, a._replace(pc=pc, todo=(x,) if x else ()), conn=conn, ghost=s.ghost._replace(leases=n)),
                [],
            )
    elif a.pc == "call":
        bad = []
        if sum(b.kind == "C" and b.pc == "call" and b.y == a.y and not b.over for b in s.acts) > 1 and not a.over:
            bad = ["two refreshes in flight under live leases"]
        if a.over and p.grace in ("other", "newest"):  # excused: frozen between its last look at the clock and sending
            s = s._replace(ghost=s.ghost._replace(excuse=1))
        s2, new = refresh_at_provider(p, s, a.tok)
        if new and a.over and p.grace == "newest":
            s2 = s2._replace(ghost=s2.ghost._replace(gone=tuple(sorted({*s2.ghost.gone, new}))))
        refused = a._replace(pc="look" if a.doubt and "look_again" in m else "fail", todo=("reauth_required",))
        if new:
            pc = "commit" if "no_recovery" in m else "put"
            yield f"refreshes with {a.tok}: receives {new}", put(s2, i, a._replace(pc=pc, new=new)), bad
        else:
            yield f"refreshes with {a.tok}: invalid_grant", put(s2, i, refused), bad
        if s.faults:
            unknown = a._replace(pc="fail", todo=("in_doubt",))
            g = s.ghost._replace(excuse=1)
            yield "provider answers 500, nothing done", put(s, i, unknown, faults=s.faults - 1, ghost=g), bad
            if new:
                g = g._replace(gone=tuple(sorted(set(g.gone) | {new})))
                yield f"provider issues {new}, answer lost", put(s2, i, unknown, faults=s.faults - 1, ghost=g), bad
    elif a.pc == "look":  # an earlier holder may have left an answer
        if s.rec.gen == a.g:
            yield "finds an earlier holder's answer", put(s, i, a._replace(pc="commit", new=s.rec.tok, todo=())), []
        else:
            yield "finds no earlier answer", put(s, i, a._replace(pc="fail")), []
    elif a.pc == "fail":
        mine = (c.gen == a.g and c.owner == a.att) or "failure_ignores_owner" in m
        if c.status != "revoked" and mine:
            lost = max(c.lost, a.doubt, a.todo[0] == "in_doubt")
            yield (
                f"records {a.todo[0]}",
                done(s, i, conn=c._replace(status=a.todo[0], owner=0, live=0, opened=0, lost=int(lost))),
                [],
            )
        else:
            yield "may not record its failure", done(s, i), []
    elif a.pc == "put":
        r = s.rec
        mine = Rec(a.g, a.x, a.y, a.new)
        sibling = p.kills == "token" and r.gen == a.g and r.tok != a.new and r.attempt < a.x
        if "keep_answer" in m and r.gen >= 0 and ((r.line < a.y and p.kills != "app") or sibling):
            yield (
                f"leaves a job for {r.tok}, an answer not its own",
                put(s, i, a._replace(todo=(r.tok,)), rec=NOREC, jobs=with_job(s, r.tok)),
                [],
            )
        elif r.gen < a.g or (r.gen == a.g and (r.attempt <= a.x or "put_ignores_attempt" in m)):
            yield f"puts {a.new} into the recovery item", put(s, i, a._replace(pc="commit"), rec=mine), []
        else:
            duty = (
                "keep_answer" in m and a.new != r.tok and (p.kills == "token" or (r.line > a.g and p.kills == "family"))
            )
            yield "recovery item is newer, kept", put(s, i, a._replace(pc="duty" if duty else "commit")), []
    elif a.pc == "duty":
        yield f"leaves a job for {a.new}", done(s, i, jobs=with_job(s, a.new)), []
    elif a.pc == "commit":
        alive = c.status != "revoked" or "commit_ignores_tombstone" in m
        overtaken = c.opened and (c.owner != a.att if a.att else c.attempt != a.x)
        if "attempt_order" in m and alive and c.gen == a.g and overtaken:
            sibling = a.att and p.kills == "token" and s.rec.tok != a.new
            yield (
                "its lease was taken over: leaves its answer to the newer holder",
                put(s, i, a._replace(pc="revmine")) if sibling else done(s, i),
                [],
            )
        elif alive and (c.gen == a.g or "commit_ignores_generation" in m):
            conn = c._replace(
                status="active",
                gen=c.gen + 1,
                refresh=a.new,
                fresh=1,
                owner=0,
                live=0,
                opened=0,
                lost=c.lost if c.lost == 2 or p.grace in ("other", "newest") else 0,
                out=tuple(sorted({*c.out, *a.todo})) if "keep_answer" in m else c.out,
            )
            pc = "audit" if "no_reread" in m else "reread"
            nxt = put(s, i, a._replace(pc=pc, att=0, todo=()), conn=conn)
            yield f"commits {a.new} as generation {conn.gen}", nxt, no_older(c, conn)
            if s.faults:
                yield f"commits {a.new}, answer lost, repeats", put(nxt, i, a, faults=s.faults - 1), no_older(c, conn)
        elif c.status == "revoked":
            yield "commit meets the tombstone", put(s, i, a._replace(pc="revmine")), []
        else:
            yield "commit meets a higher generation, drops its own", put(s, i, a._replace(pc="reread", att=0)), []
    elif a.pc == "revmine":
        yield from revoke_step(p, m, s, i, a.new, lambda s: done(s, i))
    elif a.pc == "reread":
        if c.status != "active" or s.mark:
            yield "reads again: ended", done(s, i), []
        else:
            yield "reads again: active", put(s, i, a._replace(pc="audit", tok=c.refresh, stale=0)), []
    elif a.pc == "audit":
        bad = ["handed out although it was revoked before the last read"] if a.stale else []
        if s.ghost.answer == "revoked" and a.tok[0] in s.ghost.owed and s.fams[a.tok[0]].ok:
            bad.append("handed out after `revoked`, and the provider still accepts it")
        yield "writes the audit record and hands out", done(s, i), bad


def revoke_step(p, m, s, i, tok, then):
    """One revocation at the provider; a failed call leaves a job (the failed call and the job's put are two steps)."""
    a, c = s.acts[i], s.conn
    if a.over == 2:
        yield f"leaves a job for {tok}", then(s._replace(jobs=with_job(s, tok))), []
        return
    if "settle" in m and p.kills == "app" and a.kind == "C" and tok == c.refresh:
        yield f"leaves {tok} to the tombstone", then(s), []
        return
    yield f"revokes {tok} at the provider", then(revoke_at_provider(p, s, tok)), []
    if s.faults and a.kind == "J" and (a.rec[0] == "tok" or "revoke_then_delete" in m):
        yield f"revocation of {tok} fails, the job stays", put(s, i, idle("J", "idle"), faults=s.faults - 1), []
    elif s.faults:
        yield f"revocation of {tok} fails", put(s, i, a._replace(over=2), faults=s.faults - 1), []


def stale(s):
    """A revocation was written: whoever has read before must notice it at its next read."""
    return s._replace(
        acts=tuple(
            b._replace(stale=1) if b.kind == "C" and b.pc not in ("read", "audit", "done") else b for b in s.acts
        )
    )


def marker(p, m, s, i):
    if s.acts[i].pc == "mark":
        yield "ends the consent", done(stale(s), i, mark=1), []


def revoker(p, m, s, i):
    a, c = s.acts[i], s.conn
    if a.pc == "tomb":
        pend = c.owner and c.live
        if "open_attempt" in m:
            pend = p.rotates and c.opened  # a static token ends with the stored one
        conn = c._replace(status="revoked", revgen=c.gen, fresh=0)
        owed = tuple(range(c.refresh[0] + 1))
        a = a._replace(
            pc="take",
            g=c.gen,
            att=c.owner,
            doubt=int(bool(pend)),
            todo=tuple(sorted({c.refresh, *c.out})),
            x=int("open_attempt" in m and p.rotates and c.lost),
            y=c.attempt,
        )
        yield (
            f"writes the tombstone, generation {c.gen}" + ", attempt open" * a.doubt,
            put(stale(s), i, a, conn=conn, ghost=s.ghost._replace(answer="", owed=owed)),
            [],
        )
    elif a.pc == "take":
        mine = s.rec.gen >= 0 and ("rec_guard" not in m or s.rec.gen <= a.g)
        todo = tuple(sorted(set(a.todo) | ({s.rec.tok} if mine else set())))
        keep = "revoke_then_delete" in m
        seen = s.rec if mine else NOREC
        answered = (seen.gen, seen.attempt) == (a.g, a.y)  # the open attempt's own answer: nothing is waited for
        a = a._replace(doubt=0 if answered else a.doubt)
        yield (
            ("reads" if keep else "takes") + f" the recovery item {seen.tok}",
            put(s, i, a._replace(pc="job", todo=todo, rec=seen), rec=NOREC if mine and not keep else s.rec),
            [],
        )
    elif a.pc == "job":  # the job first: a crash later must not lose the duty
        jobs = s.jobs
        if a.doubt:
            jobs = tuple(sorted(set(jobs) | {("rec", NONE, a.g, a.att, a.y)}))
        yield (
            "leaves a job for the open attempt" if a.doubt else "no job needed",
            put(s, i, a._replace(pc="revoke"), jobs=jobs),
            [],
        )
    elif a.pc == "revoke" and a.todo:
        tok = a.todo[0]
        x = 1 if a.over == 2 else a.x
        yield from revoke_step(p, m, s, i, tok, lambda s: put(s, i, a._replace(todo=a.todo[1:], over=0, x=x)))
    elif a.pc == "revoke":
        answer = "failed" if a.x else "pending" if a.doubt else "revoked"
        rec = NOREC if a.rec.gen >= 0 and s.rec == a.rec else s.rec
        conn = c._replace(settled=int(answer != "failed")) if c.status == "revoked" else c
        yield f"answers `{answer}`", done(s, i, conn=conn, rec=rec, ghost=s.ghost._replace(answer=answer)), []


def runner(p, m, s, i):
    """Scheduled jobs; each may come twice, and is deleted only when it has done its work."""
    a = s.acts[i]
    if a.pc == "idle":
        for job in s.jobs:
            due = (
                not any(b.kind == "C" and b.att == job[3] and b.pc != "done" and not b.over for b in s.acts)
                if job[0] == "rec"
                else True
            )
            if due:
                tok = (job[1],) if job[0] == "tok" else ()
                yield (
                    f"job {job[0]} begins",
                    put(s, i, a._replace(pc="revoke" if tok else "take", rec=job, todo=tok)),
                    [],
                )
    elif a.pc == "take":
        mine = s.rec.gen >= 0 and ("rec_guard" not in m or s.rec.gen <= a.rec[2])
        keep = "revoke_then_delete" in m
        seen = s.rec if mine else NOREC
        yield (
            "job " + ("reads" if keep else "takes") + f" the recovery item {seen.tok}",
            put(
                s,
                i,
                a._replace(
                    pc="revoke",
                    todo=(seen.tok,) if mine else (),
                    x=int(seen.gen == a.rec[2] and seen.attempt == a.rec[4]),
                    new=seen,
                ),
                rec=NOREC if mine and not keep else s.rec,
            ),
            [],
        )
    elif a.pc == "revoke" and a.todo:
        yield from revoke_step(p, m, s, i, a.todo[0], lambda s: put(s, i, a._replace(todo=(), over=0)))
    else:
        rec = NOREC if a.new and s.rec == a.new else s.rec
        answer = s.ghost.answer
        jobs = tuple(j for j in s.jobs if j != a.rec)
        if not jobs and answer == "pending":
            answer = "failed" if "open_attempt" in m and p.rotates and not a.x else "revoked"
        conn = s.conn._replace(settled=1) if s.conn.status == "revoked" and a.rec[0] == "tok" else s.conn
        yield (
            "job ends",
            put(s, i, idle("J", "idle"), conn=conn, jobs=jobs, rec=rec, ghost=s.ghost._replace(answer=answer)),
            [],
        )


def signer(p, m, s, i):
    a, c = s.acts[i], s.conn
    if a.pc == "decide":
        after = c.status == "revoked" and (c.settled or "settle" not in m or p.kills != "app")
        yield "decides to sign in", put(s, i, a._replace(pc="exchange", doubt=int(after))), []
    elif a.pc == "exchange":
        fams = tuple(Fam((), f.nxt, ()) for f in s.fams) if p.ends_old else s.fams
        tok = (len(fams), 0)
        yield (
            f"exchanges the code: {tok}",
            put(s, i, a._replace(pc="read", new=tok), fams=(*fams, Fam((0,), 1, ()))),
            [],
        )
    elif a.pc == "read":
        if "signin_once" in m and c.by == a.new[0]:
            yield "recognises its own write", done(s, i), []
        else:
            yield f"reads generation {c.gen}", put(s, i, a._replace(pc="write", g=c.gen)), []
    elif a.pc == "write":
        if c.status == "revoked" and not a.doubt and "signin_ignores_decision" not in m:
            yield "meets a tombstone newer than its decision", put(s, i, a._replace(pc="revoke", todo=(a.new,))), []
        elif c.gen != a.g:
            yield "meets another generation, reads again", put(s, i, a._replace(pc="read")), []
        else:
            per_token = not p.ends_old and p.kills != "app"
            carry = c.status != "revoked" or "outgoing" in m
            todo = (c.refresh,) if per_token and carry and c.refresh != a.new else ()
            gen = c.gen + ("signin_keeps_generation" not in m)
            out = tuple(sorted({*c.out, *todo})) if "outgoing" in m else ()
            conn = Conn(
                "active",
                gen,
                gen,
                a.new,
                1,
                0,
                0,
                0,
                c.attempt,
                c.revgen,
                2 * int(bool(per_token and p.rotates and (c.lost or c.opened))),
                out,
                a.new[0],
                0,
            )
            bad = no_older(c, conn)
            if c.status == "revoked" and not a.doubt:
                bad.append("a decision older than the revocation undid it")
            nxt = put(s, i, a._replace(pc="revoke", todo=todo), conn=conn)
            yield f"writes {a.new} as generation {gen}", nxt, bad
            if s.faults:
                again = a._replace(pc="write")
                yield f"writes {a.new}, answer lost, repeats", put(nxt, i, again, faults=s.faults - 1), bad
    elif a.pc == "revoke" and a.todo:
        yield from revoke_step(
            p, m, s, i, a.todo[0], lambda s: put(s, i, a._replace(todo=(), over=0, tok=NONE if a.over else a.todo[0]))
        )
    elif a.pc == "revoke":
        out = tuple(t for t in c.out if t != a.tok) if c.status == "active" else c.out
        yield "has signed in", done(s, i, conn=c._replace(out=out)), []


STEPS = {"C": caller, "R": revoker, "J": runner, "S": signer, "M": marker}
NAMES = {"R": "revoker", "J": "jobs", "S": "sign-in", "M": "marks"}


def crash(p, s, i):
    """The process dies between two steps (before the next effect = after the last one)."""
    a, g = s.acts[i], s.ghost
    if a.kind == "C":
        excuse = int(g.excuse or a.pc in ("call", "put", "look"))
        gone = set(g.gone) | ({a.new} if a.pc in ("put", "duty") else set())
        return done(s, i, faults=s.faults - 1, ghost=g._replace(excuse=excuse, gone=tuple(sorted(gone))))
    if a.kind == "S":
        excuse, gone = g.excuse, set(g.gone)
        if a.pc in ("read", "write") or (a.pc == "revoke" and a.todo == (a.new,)):
            excuse, gone = 1, gone | {a.new}
        return done(s, i, faults=s.faults - 1, ghost=g._replace(excuse=excuse, gone=tuple(sorted(gone))))
    first = {"R": "tomb", "J": "idle"}[a.kind]
    return put(s, i, idle(a.kind, first), faults=s.faults - 1)  # the user repeats, the schedule repeats


def moves(p, m, s):
    """(which actor, what happens, the state after it, violations); no actor where time alone moves."""
    c = s.conn
    for i, a in enumerate(s.acts):
        if (i and a == s.acts[i - 1]) or a.pc == "done":  # twins are interchangeable
            continue
        who = NAMES.get(a.kind) or (f"holder {a.att}" if a.att else "a caller")
        for what, nxt, bad in STEPS[a.kind](p, m, s, i):
            yield i, f"{who} {what}", nxt, bad
        started = a.pc not in ("read", "tomb", "idle", "decide", "mark", "audit", "reread") or (
            a.kind == "S" and a.pc == "read"
        )
        if s.faults and started:
            yield i, f"{who} CRASHES before '{a.pc}'", crash(p, s, i), []
        if (
            a.kind == "C"
            and a.att
            and not a.over
            and a.pc in ("call", "look", "fail", "put", "duty", "commit", "revmine")
            and s.faults
        ):
            live = 0 if c.owner == a.att else c.live
            yield (
                i,
                f"{who} FREEZES past its lease",
                put(s, i, a._replace(over=1), faults=s.faults - 1, conn=c._replace(live=live)),
                [],
            )
    if c.live and not any(b.att == c.owner and b.kind == "C" for b in s.acts):
        yield None, "the dead holder's lease ends", s._replace(conn=c._replace(live=0)), []
    if c.fresh and s.ages and c.status == "active":
        yield None, "the access token ages", s._replace(ages=s.ages - 1, conn=c._replace(fresh=0)), []
    for f, fam in enumerate(s.fams):
        if fam.grace and not c.live:  # a window is longer than a lease
            yield None, f"the grace window of grant {f} closes", set_fam(s, f, fam._replace(grace=())), []


def successors(p, m, s):
    """The same without who it was."""
    for _, what, nxt, bad in moves(p, m, s):
        yield what, nxt, bad


def canonical(s):
    """Callers are interchangeable; a lease owner is a number, not a place."""
    return s._replace(acts=tuple(sorted(s.acts)))


# ---- what must hold when everything has come to rest ---------------------------------------------------------------


def at_rest(p, m, s):
    """Violations in a state from which nobody moves. A last fault-free caller shows whether the connection is stuck."""
    bad, g, c = [], s.ghost, s.conn
    live = {(f, n) for f, fam in enumerate(s.fams) for n in fam.ok}
    if g.answer == "revoked" and any(f in g.owed for f, _ in live):
        bad.append("answered `revoked`, but the provider still accepts a token of it")
    reported = c.status == "revoked" and g.answer in ("failed", "pending")
    held = {c.refresh, s.rec.tok, *c.out, *(j[1] for j in s.jobs)}
    if p.kills == "family":
        held = {t for t in live if t[0] in {h[0] for h in held if h and accepts(s, h)}} | held
    for tok in live - held - set(g.gone):
        if p.kills == "app" or reported or (tok[0] == c.refresh[0] and c.status in ("in_doubt", "reauth_required")):
            continue
        if not any(t[0] == tok[0] for t in g.gone) or p.kills == "token":
            if tok[0] in g.owed and g.answer == "failed":
                continue
            bad.append(
                "a token that the provider accepts is forgotten"
                + (" (of an earlier sign-in)" if tok[0] < c.refresh[0] else "")
            )
    probe = s._replace(faults=0, ages=0, mark=0)
    for _ in range(3):
        probe = probe._replace(acts=(idle("C", "read"),), conn=probe.conn._replace(fresh=0))
        while nxt := [n for w, n, b in successors(p, m, probe) if "grace window" not in w]:
            probe = nxt[-1]
    end = probe.conn
    if (end.status == "active" and not accepts(probe, end.refresh)) or end.status == "in_doubt":
        bad.append("the connection is stuck")
    if end.status == "reauth_required" and not g.excuse:
        bad.append("the user must sign in again although nothing unavoidable was lost")
    if end.status == "reauth_required" and probe.rec.gen == end.gen and accepts(probe, probe.rec.tok):
        bad.append("reauth_required although the recovery item holds the current token")
    return bad


def resting(s):
    """Nobody is in the middle of anything (who has not begun may stay away), no job waits, no lease lives."""
    begun = lambda a: (
        a.pc not in ("read", "tomb", "idle", "decide", "mark", "done") or (a.kind == "S" and a.pc == "read")
    )
    return not s.jobs and not s.conn.live and not any(map(begun, s.acts))


def explore(p, m, start, stop_first=False, limit=10**9):
    """Breadth first, so the first trace of each violation is a shortest one. -> (states, {violation: trace})."""
    start = canonical(start)
    parent, queue, found = {start: None}, deque([start]), {}

    def trace(s, last):
        lines = [last] if last else []
        while parent[s]:
            s, what = parent[s]
            lines.append(what)
        return lines[::-1]

    while queue and len(parent) < limit:
        s = queue.popleft()
        for what, nxt, bad in successors(p, m, s):
            for b in bad:
                found.setdefault(b, trace(s, what))
            nxt = canonical(nxt)
            if nxt not in parent:
                parent[nxt] = (s, what)
                queue.append(nxt)
        if resting(s):
            for b in at_rest(p, m, s):
                found.setdefault(b, trace(s, ""))
        if found and stop_first:
            break
    return len(parent), found


# ---- runs ------------------------------------------------------------------------------------------------------------
# a run's size: callers, revokers, sign-ins, marks set, faults (crash, freeze, provider, lost answer: one purse), agings

SMALL = ("2,1,1,0,0,1", "2,1,0,0,1,1", "2,0,1,0,1,1", "2,0,0,1,1,0")
DEEP = ("2,1,1,0,1,1", "2,1,0,0,2,1", "2,0,1,0,2,1", "3,1,0,0,1,0", "3,0,0,0,2,1")
NEEDED = {  # without this repair, this profile and size fails
    "open_attempt": ("once", "2,1,0,0,1,0"),
    "revoke_then_delete": ("once", "2,1,0,0,2,0"),
    "rec_guard": ("once", "2,1,1,0,0,1"),
    "keep_answer": ("once", "2,0,1,0,0,1"),
    "lease_attempt": ("ask", "2,0,0,0,1,0"),
    "look_again": ("once", "2,0,0,0,1,0"),
    "grace_clock": ("sibling", "2,0,0,0,1,0"),
    "outgoing": ("once", "1,0,1,0,1,0"),
    "signin_once": ("once", "2,0,1,0,1,1"),
    "settle": ("app", "1,1,1,0,0,0"),
    "attempt_order": ("newest", "2,0,0,0,1,0"),
}
MUTANTS = {  # a protocol broken on purpose: must fail here
    "lease_ignores_generation": ("once", "2,0,1,0,0,1"),
    "lease_ignores_holder": ("once", "2,0,0,0,0,0"),
    "commit_ignores_generation": ("once", "2,0,1,0,0,0"),
    "commit_ignores_tombstone": ("once", "2,1,0,0,0,0"),
    "signin_keeps_generation": ("once", "2,0,1,0,0,0"),
    "no_reread": ("static", "2,0,0,1,0,0"),
    "put_ignores_attempt": ("newest", "2,0,0,0,2,0"),
    "failure_ignores_owner": ("once", "2,0,0,0,1,0"),
    "signin_ignores_decision": ("static", "1,1,1,0,0,0"),
    "no_recovery": ("once", "2,0,0,0,1,0"),
}


def run(job):
    kind, name, profile, size, flags = job
    states, found = explore(
        PROFILES[profile], flags, initial(*map(int, size.split(","))), kind in ("mutant", "without")
    )
    return kind, name, profile, size, states, found


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--deep", action="store_true", help="larger runs (about ten minutes, 3 GB)")
    ap.add_argument("--traces", action="store_true", help="print the shortest trace of each violation")
    ap.add_argument("--only", default="", help="of: mutant, without, rules")
    ap.add_argument("--profile", default=",".join(PROFILES))
    ap.add_argument(
        "--size", default="", help="instead of the built-in sizes: callers,revokers,sign-ins,marks,faults,agings"
    )
    args = ap.parse_args()
    fixed = frozenset(FIXES)
    sizes = (args.size,) if args.size else SMALL + DEEP * args.deep
    jobs = [
        ("mutant", n, p, z, fixed - ({"lease_attempt"} if n == "lease_ignores_holder" else set()) | {n})
        for n, (p, z) in MUTANTS.items()
    ]
    jobs += [("without", n, p, z, fixed - {n}) for n, (p, z) in NEEDED.items()]
    jobs += [("rules", "", p, z, fixed) for p in args.profile.split(",") for z in sizes]
    began, wrong, total = time.time(), 0, {}
    with Pool(maxtasksperchild=1) as pool:
        for kind, name, profile, size, states, found in pool.imap(
            run, [j for j in jobs if not args.only or j[0] in args.only.split(",")]
        ):
            good = not found if kind == "rules" else bool(found)
            wrong += not good
            total[kind, profile] = total.get((kind, profile), 0) + states
            print(
                f"{'ok ' if good else 'BAD'} {kind:9}{name:26}{profile:3} {size:12}{states:9} states  "
                + "; ".join(found or ["holds"]),
                flush=True,
            )
            for what, lines in sorted(found.items(), key=lambda x: len(x[1])) if args.traces or not good else ():
                print(f"    {what}:", *(f"\n      {n}. {line}" for n, line in enumerate(lines, 1)))
    print("states:", ", ".join(f"{p} {n:,}" for (k, p), n in total.items() if k == "rules"))
    print(f"{'as expected' if not wrong else f'{wrong} NOT as expected'}, {time.time() - began:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
