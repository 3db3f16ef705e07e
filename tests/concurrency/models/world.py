"""What the model of one grant knows: rules, records, actors, scenes.

One store call is one atomic step. A program's steps interleave with everyone else's. A request ends within one tick or
is gone. At most one process crashes, one answer to a client is lost, and one answer of the store.

Left out: cryptography (a handle is its generation; `bound` and `secret` say what its presenter knows), clock skew, the
connection, device grants, the idle end, narrowing, cached marks, failed reads (they look like a crash).
"""

from typing import NamedTuple

COOKIE = 3
"""Ticks that the pending cookie lives."""
CODE = 1
"""Ticks that a code lives."""
SKEW = 1
"""Ticks that an item outlives what it guards."""
LONGEST_REQUEST = 1


class Rules(NamedTuple):
    """The decisions of the protocol. The defaults are the product's; every other value is a mistake to be caught."""

    grace: int = 2
    marks_after_advance: str = "always"  # or "unless the grace is 0", or "never"
    marks_after_redemption: bool = True
    grant_is_read_with_the_marks: bool = True
    only_two_behind_is_slow: bool = True
    grace_excludes_its_end: bool = True
    marks_void_their_own_second: bool = True
    key_is_checked_before_replay: bool = True
    consent_before_issue: bool = True
    claim_needs_absence: bool = True
    secret_is_checked: bool = True
    consent_is_versioned: bool = True
    item_outlives_its_end: bool = True


class Grant(NamedTuple):
    """The item. status: exchanging, issued, active or revoked; previous_advanced_at: of its predecessor."""

    status: str
    generation: int
    decided_at: int
    advanced_at: int
    previous_advanced_at: int
    expires_at: int
    purge_at: int
    written_by: str


class Consent(NamedTuple):
    """version rises with every write; mark is the not-before; granted once a sign-in has written it."""

    version: int = 0
    mark: int | None = None
    granted: bool = False


class Actor(NamedTuple):
    """One program counter with what it holds. kind: callback, tab, thief, app (revokes), account (withdraws), user."""

    kind: str
    name: str  # stands in written_by too: an actor has one request at a time
    left: int = 1  # requests it may still begin
    at: str = "idle"
    started: int = 0
    shows: int | None = None  # the generation that its request presents
    gets: int | None = None  # the generation that its answer will hold
    saw: Consent | None = None
    copied: int | None = None  # thief: the generation in his hands
    repeat: int | None = None  # tab: presented, answer lost, may be sent once more
    bound: bool = True  # knows verifier and client secret
    secret: bool = True  # knows the handle's secret
    again: bool = False  # the adapter repeats a write whose answer was lost
    late: str = ""  # only watched: what was acknowledged before its last store call
    stale: bool = False  # only watched: what it presents was passed longer ago than the grace


class World(NamedTuple):
    """Everything at one moment. The fields below the blank line are only watched, nobody acts on them."""

    actors: tuple[Actor, ...]
    grant: Grant | None = None
    consent: Consent = Consent()
    now: int = 0
    decided_at: int | None = None
    horizon: int = 6
    life: int = 20
    crashes: int = 1
    lost_answers: int = 1
    lost_writes: int = 1
    code_known: bool = False
    code_sent: bool = False
    held: int | None = None  # the honest client's newest refresh token

    token_requests: int = 0
    grants_issued: int = 0
    code_answers: int = 0
    superseded: tuple[int, ...] = ()  # when each generation was passed
    revocation_acknowledged: bool = False
    decision_is_old: bool = False  # a mark was acknowledged after the decision
    stolen: bool = False  # a thief who knows everything has acted
    excused: bool = False  # the honest client may lose its grant: thief, code sent twice, late repeat


class Step(NamedTuple):
    """What happened. verb and outcome are few words; the conformance test replays store verbs by them.

    lost     the write took effect and the store's answer did not arrive
    """

    actor: str
    verb: str
    outcome: str = ""
    shows: int | None = None
    lost: bool = False

    def __str__(self) -> str:
        what = "" if self.shows is None else " code" if self.shows == 0 else f" token {self.shows}"
        lost = ", the store's answer is lost" if self.lost else ""
        return f"{self.actor} {self.verb}{what}{': ' * bool(self.outcome)}{self.outcome}{lost}".strip()


CONSENTED = {
    "consent": Consent(1, None, True), "decided_at": 0, "code_known": True, "token_requests": 1, "grants_issued": 1,
}  # fmt: skip
ISSUED = {**CONSENTED, "grant": Grant("issued", 0, 0, 0, 0, CODE, COOKIE + SKEW, "-")}
ACTIVE = {
    **CONSENTED, "grant": Grant("active", 1, 0, 0, 0, 20, 21, "-"), "held": 1, "superseded": (0,), "code_sent": True,
    "code_answers": 1,
}  # fmt: skip
CALM = {"crashes": 0, "lost_answers": 0, "lost_writes": 0}

SIGN_IN = World(
    (
        Actor("user", "user"), Actor("callback", "callback"), Actor("callback", "second callback"),
        Actor("tab", "tab", 0), Actor("account", "account"),
    ),
    horizon=6,
)  # fmt: skip


def without(world: World, name: str, **changes: int) -> World:
    """A smaller scene: one actor less."""
    return world._replace(actors=tuple(actor for actor in world.actors if actor.name != name), **changes)


SCENES = {  # the small ones first
    "a sign-in, the user withdraws": without(SIGN_IN, "second callback", horizon=3, crashes=0),
    "a sign-in, two callbacks": without(SIGN_IN, "account", horizon=5, crashes=0, lost_answers=0),
    "strangers, to the end of the grant": World(
        (
            Actor("tab", "tab", 1),
            Actor("thief", "without secret", 1, secret=False),
            Actor("thief", "without verifier", 1, bound=False),
        ),
        horizon=5, life=3, **ISSUED, **CALM,
    ),
    "a tab, the app revokes, the user withdraws": World(
        (Actor("tab", "tab", 2), Actor("app", "app"), Actor("account", "account")), horizon=3, **ACTIVE
    ),
    "a tab and a thief who knows everything": World(
        (Actor("tab", "tab", 2), Actor("thief", "thief", 3)), horizon=5, **ACTIVE, **CALM
    ),
    "two tabs, losses": World((Actor("tab", "tab", 2), Actor("tab", "other tab", 1)), horizon=3, **ACTIVE),
    "a sign-in, two callbacks, the user withdraws": SIGN_IN,
}  # fmt: skip
