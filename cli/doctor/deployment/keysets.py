"""Checks the keysets: each has exactly one key that encrypts or signs."""

from collections.abc import Iterator

from chalicelib.adapters.kms.keys import PURPOSES
from chalicelib.keys.lifecycle import NeverRotated, current_of, next_step, rules_of
from cli.doctor.checks import Fault, Group, Source
from cli.doctor.deployment.visit import DEPLOY, Here

GROUP = Group("Keysets")
DAY = 86_400
YEAR = 365 * DAY
KEYS = Source("docs/keys.md", "docs/keys.md")
WORDS = {"publish": "a new version", "use": "the use of the new version", "forget": "the end of an old version"}
CURRENT = ("signing", "current")


@GROUP.check("keysets-all", "error", fix="python3 dev.py broker init", source=DEPLOY)
def are_all(here: Here) -> Iterator[str]:
    """A keyset exists for every purpose."""
    missing = sorted(set(PURPOSES) - {item.purpose for item in here.keysets})
    if missing:
        yield f"{', '.join(missing)} missing"


@GROUP.check(
    "keysets-current",
    "error",
    fix="Run python3 dev.py broker keys list to see the states. Restore the earlier keyset, or ask for help.",
    source=DEPLOY,
)
def have_one_current(here: Here) -> Iterator[str]:
    """In every keyset exactly one key encrypts or signs."""
    for item in here.keysets:
        found = sum(key.state in CURRENT for key in item.keys)
        if found != 1:
            yield f"{item.purpose} has {found}"


@GROUP.check("keysets-due", "warning", fix="python3 dev.py broker keys rotate", source=KEYS)
def are_turned(here: Here) -> Iterator[Fault]:
    """Key rotations are not overdue, and the signing key is at most a year old."""
    now = here.deployment.clock.now()
    for item in here.keysets:
        fix = f"python3 dev.py broker keys rotate {item.purpose}"
        try:
            rules = rules_of(item.purpose, here.settings)
        except NeverRotated:
            continue
        step, current = next_step(item, rules), current_of(item)
        if step.is_due(now - DAY):
            yield Fault(f"{item.purpose}: {WORDS[step.kind]} is overdue by {(now - (step.at or now)) // DAY} days", fix)
        elif item.purpose == "signing" and current and now - (current.since or current.created_at) > YEAR:
            yield Fault(f"version {current.version} has been signing for more than a year", fix)


@GROUP.check("keysets-made", "error", fix="Set this machine's clock.", source=DEPLOY)
def are_of_the_past(here: Here) -> Iterator[str]:
    """No key has a creation time in the future."""
    now = here.deployment.clock.now()
    for item in here.keysets:
        if any(key.created_at > now + 60 for key in item.keys):
            yield f"{item.purpose} has one"
