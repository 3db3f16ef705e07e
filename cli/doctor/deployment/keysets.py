"""The keysets: made once, each with one key that seals or signs."""

from collections.abc import Iterator

from chalicelib.adapters.kms import PURPOSES
from cli.doctor.checks import Group, Skipped, rfc
from cli.doctor.deployment.visit import DEPLOY, Here

GROUP = Group("Keysets")
DAY = 86_400
SIGNING_DAYS = 90
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


@GROUP.check(
    "keysets-due",
    "warning",
    fix="Plan to turn it; python3 dev.py broker keys list shows every key and its age.",
    source=rfc(9700, "2.6"),
)
def are_not_due(here: Here) -> Iterator[str]:
    """The key that signs is not older than it should get."""
    signing = next((item for item in here.keysets if item.purpose == "signing"), None)
    if signing is None:
        raise Skipped("there is no keyset for signing")
    now = here.deployment.clock.now()
    for key in signing.keys:
        days = (now - key.created_at) // DAY
        if key.state == "signing" and days > SIGNING_DAYS:
            yield f"version {key.version} is {days} days old"


@GROUP.check("keysets-made", "error", fix="Set this machine's clock.", source=DEPLOY)
def are_of_the_past(here: Here) -> Iterator[str]:
    """No key was made in the future."""
    now = here.deployment.clock.now()
    for item in here.keysets:
        if any(key.created_at > now + 60 for key in item.keys):
            yield f"{item.purpose} has one"
