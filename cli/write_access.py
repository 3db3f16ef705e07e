"""What somebody could do who may write to the table, and has no key: what is bound to one stays out of reach."""

from collections.abc import Iterator

from cli.deployed import Deployed
from cli.exposure import Exposure

# What decides and is bound to nothing: docs/security.md says the same, and what is bound.
PLAIN_DECISIONS = (
    "apps: redirect URIs, keys, scopes and trust of any app, or an app of their own; so that app's own tokens at every "
    "API, and a user's sign-in at it, with what it has of providers there, once that user follows one link",
    "consents and initial tokens: an app that asks no user, and who may register one",
    "revocations: a mark, a kill switch or an end taken back for who still has the token, and a proof used again",
    "ends and scopes of sign-ins that they have a token of, up to what consent and app allow, which they write too",
    "an earlier copy of an item in place of the present one",
    "limits: counted from nothing again",
    "the end of everything: what is deleted or broken is refused",
)


def write_access(deployed: Deployed) -> Iterator[Exposure]:
    """Of each table, without a key."""
    settings = deployed.settings
    key = "with the keyset signing, or handle and vault: every user's sign-in, and what goes to providers"
    yield Exposure(
        leak="write access", of=settings.table, gives=PLAIN_DECISIONS, with_more=(key,),
        lasts="until the right is gone, and the items were compared with those of before; `broker audit verify`",
    )  # fmt: skip
    yield Exposure(
        leak="write access", of=settings.keys_table,
        gives=("the end of users' keys: what was sealed under them is lost",),
        lasts="until the right is gone; what was lost stays lost",
    )  # fmt: skip
