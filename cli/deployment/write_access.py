"""What an attacker could do with write access to the table but without keys."""

from collections.abc import Iterator

from cli.deployment.inventory import Deployed
from cli.deployment.leak import Exposure

# What decides and is bound to nothing: docs/security.md says the same, and what is bound.
PLAIN_DECISIONS = (
    "apps: change redirect URIs, keys, scopes and trust of any app, or add an app; this gives that app's own tokens "
    "at every API, and, once a user follows one link, that user's sign-in at the app with its provider access",
    "consents and initial access tokens: let an app skip consent, and register apps",
    "revocations: undo a revocation, a kill switch or an expiry for anyone who still has the token, and reuse a proof",
    "sign-ins whose token they hold: extend the expiry and the scopes, up to what consent and app allow, which they "
    "can also write",
    "any item: replace it with an earlier copy",
    "limits: reset the counters",
    "denial of service: deleted or damaged items are refused",
)


def write_access(deployed: Deployed) -> Iterator[Exposure]:
    """The exposure for each table, without a key."""
    settings = deployed.settings
    key = "with the keyset signing, or handle and vault: every user's sign-in, and everything sent to providers"
    yield Exposure(
        leak="write access", of=settings.table, gives=PLAIN_DECISIONS, with_more=(key,),
        lasts="until the permission is removed and the items are compared with a backup; run `broker audit verify`",
    )  # fmt: skip
    yield Exposure(
        leak="write access", of=settings.keys_table,
        gives=("deletion of users' keys, which destroys the data encrypted under them",),
        lasts="until the permission is removed; lost data stays lost",
    )  # fmt: skip
