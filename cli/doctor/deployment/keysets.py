"""The keysets: made once, each with one key that seals or signs."""

from collections.abc import Iterator

from chalicelib.adapters.kms import PURPOSES
from chalicelib.protocol.key_states import NeverTurned, current_of, next_step, rules_of
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
    """There is a keyset for every purpose."""
    missing = sorted(set(PURPOSES) - {item.purpose for item in here.keysets})
    if missing:
        yield f"{', '.join(missing)} not there"


@GROUP.check(
    "keysets-current",
    "error",
    fix="python3 dev.py broker keys list shows the states; restore the keyset of before, or ask for help.",
    source=DEPLOY,
)
def have_one_current(here: Here) -> Iterator[str]:
    """In every keyset exactly one key seals or signs."""
    for item in here.keysets:
        found = sum(key.state in CURRENT for key in item.keys)
        if found != 1:
            yield f"{item.purpose} has {found}"


@GROUP.check("keysets-due", "warning", fix="python3 dev.py broker keys rotate", source=KEYS)
def are_turned(here: Here) -> Iterator[Fault]:
    """Keys turn when they are due, and the one that signs is not older than a year whatever the settings say."""
    now = here.deployment.clock.now()
    for item in here.keysets:
        fix = f"python3 dev.py broker keys rotate {item.purpose}"
        try:
            rules = rules_of(item.purpose, here.settings)
        except NeverTurned:
            continue
        step, current = next_step(item, rules), current_of(item)
        if step.is_due(now - DAY):
            yield Fault(f"{item.purpose}: {WORDS[step.kind]} is due since {(now - (step.at or now)) // DAY} days", fix)
        elif item.purpose == "signing" and current and now - (current.since or current.created_at) > YEAR:
            yield Fault(f"version {current.version} signs for more than a year", fix)


@GROUP.check("keysets-made", "error", fix="Set this machine's clock.", source=DEPLOY)
def are_of_the_past(here: Here) -> Iterator[str]:
    """No key was made in the future."""
    now = here.deployment.clock.now()
    for item in here.keysets:
        if any(key.created_at > now + 60 for key in item.keys):
            yield f"{item.purpose} has one"
