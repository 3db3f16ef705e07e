"""What a leak exposes, and for how long, computed from what is deployed: settings, clients, providers, policies."""

from collections.abc import Iterator

from chalicelib.records.audit import RETENTION_SECONDS
from chalicelib.records.client import Client
from chalicelib.records.keyset import Purpose
from cli.deployed import Deployed
from cli.exposure import Exposure, span
from cli.roles import PURPOSES, Role
from cli.write_access import write_access

# What a keyset gives to whoever also has the items that the table holds of it.
KEYS: dict[Purpose, str] = {
    "signing": "access tokens of every sign-in that lives, good at the proxy and at every API that checks them itself",
    "handle": "no code or refresh token, for the table has only hashes of their secrets; who also writes to the table "
    "makes any user of a sign-in of their own",
    "cookie": "the browser session of every user, and decisions that wait for a callback",
    "identity": "which account at which third party each user is; who also writes to the table links a login of their "
    "own to any user",
    "pepper": "guesses at client secrets, whose 256 bits nobody guesses",
    "user_code": "which device waits for which user code, for ten minutes",
    "nonce": "nonces for proofs that a thief of a key makes in advance",
    "pairwise": "who the users of pairwise apps are",
    "vault": "every token of a third party, with its refresh token, and the broker's own client secrets there",
    "audit": "seals over false audit records; what the log has said contradicts them",
}
# What stands in the table for everybody to read who has a copy of it; all else is a hash, or sealed.
PLAIN = (
    "which user allowed which app what, and when",
    "which app used which connection when (audit records)",
    "names, redirect URIs and scopes of the apps",
)


def compute(deployed: Deployed) -> list[Exposure]:
    """All that can leak, the likeliest first."""
    return [
        *(_secret(client, deployed) for client in deployed.clients if client.is_confidential),
        *_devices(deployed),
        *(_role(role, deployed) for role in deployed.roles),
        *_tables(deployed),
        *write_access(deployed),
        *(_keyset(purpose) for purpose in PURPOSES),
        *(_log(group, days) for group, days in deployed.log_days.items()),
    ]


def _secret(client: Client, deployed: Deployed) -> Exposure:
    settings, life = deployed.settings, span(deployed.settings.access_token_seconds)
    scopes = " ".join(sorted(client.scopes)) or "no scope"
    alone = []
    if "client_credentials" in client.grant_types:
        alone.append(f"tokens for itself ({scopes}), each for {life}")
    if client.serves:
        alone.append(f"what a token says that was shown to {', '.join(sorted(client.serves))}")
    actors = [one.client_name for one in deployed.clients if client.client_id in one.may_be_acted_by]
    with_more = [f"with a token of a user of {name} that it was shown: tokens to act for that user" for name in actors]
    if client.redirect_uris:
        with_more.append(f"with a code that was caught on its way, and its verifier: that sign-in ({scopes})")
    if "refresh_token" in client.grant_types:
        end = span(settings.refresh_end_seconds)
        with_more.append(
            f"with a stolen refresh token: that sign-in, until it ends or is used by its app, {end} at most"
        )
    with_more += [f"with a stolen access token: {one}" for one in _handed(client, deployed)]
    if client.dpop_bound_access_tokens:
        with_more = [f"{one}; only with the app's proof key too" for one in with_more]
    kind = "client secret" if client.has_secret else "client key"
    how = "`broker client secret rotate`" if client.has_secret else "another key in its registration"
    ends = max((one.expires_at or 0 for one in client.secrets), default=0)
    until = f"until {how}; tokens of before live {life} more" + (", older secrets end by themselves" if ends else "")
    named = f"{client.client_name} ({client.client_id})"
    state = "nothing: the app is switched off" if client.marks.disabled else until
    return Exposure(leak=kind, of=named, gives=tuple(alone), with_more=tuple(with_more), lasts=state)


def _handed(client: Client, deployed: Deployed) -> Iterator[str]:
    """What the app may have of third parties."""
    for provider in deployed.providers:
        prefix = f"{provider.provider_id}:"
        scopes = sorted(one.removeprefix(prefix) for one in client.scopes if one.startswith(prefix))
        if client.handout == "none" or not scopes or not client.may_use(provider.provider_id):
            continue
        what = "the token of" if client.handout == "token" else "calls through the proxy to"
        yield f"{what} {provider.provider_id} ({' '.join(scopes)})"


def _devices(deployed: Deployed) -> Iterator[Exposure]:
    """What a user's laptop or phone holds, app by app."""
    settings = deployed.settings
    session = f"the broker's browser session: signing in, and the user's own page; {span(settings.session_seconds)}"
    yield Exposure(
        leak="laptop of a user",
        of="its browser",
        gives=(session,),
        lasts=f"{span(settings.session_seconds)}; sooner: `broker user sign-out`, or the user's own page",
    )
    for client in deployed.clients:
        if client.is_confidential and not client.bff_origins:
            continue  # its tokens are at its server
        gives = list(_handed(client, deployed)) or ["what the app itself may do for that user"]
        if client.bff_origins:
            lasts = f"{span(settings.bff_idle_seconds)} unused, {span(settings.bff_end_seconds)} in all"
        elif "refresh_token" in client.grant_types:
            lasts = f"{span(settings.refresh_idle_seconds)} unused, {span(settings.refresh_end_seconds)} in all"
            lasts += "; a copy that is used beside the app ends both"
        else:
            lasts = span(settings.access_token_seconds)
        if client.dpop_bound_access_tokens:
            gives = [f"{one}, only with the device's proof key" for one in gives]
        named = f"{client.client_name} ({client.client_id})"
        yield Exposure(leak="laptop of a user", of=named, gives=tuple(gives), lasts=lasts)


def _role(role: Role, deployed: Deployed) -> Exposure:
    gives = []
    if "vault" in role.opens and role.keys and role.may_read("CONNECTION"):
        gives.append(f"every third party's token: {_third_parties(deployed)}")
    if "vault" in role.opens and role.may_read("PROVIDER"):
        gives.append("the broker's own client secrets at third parties")
    if "vault" in role.opens and role.may_write("PROVIDER"):
        gives.append("users' refresh tokens at third parties whose host is the operator's to name: by naming another")
    if role.may_read("KEYSET"):
        gives += [KEYS[purpose] for purpose in PURPOSES if purpose != "vault" and purpose in role.opens]
    written = {"CLIENT": "apps of its own", "GRANT": "sign-ins of its own", "AUDIT": "audit records of its own"}
    gives += [what for kind, what in written.items() if role.may_write(kind)]
    if role.destroys:
        gives.append("the end of users' keys: what was sealed under them is lost")
    if role.wraps:
        gives.append("keys of its own in place of the broker's")
    if role.logs:
        gives.append("every line of the log")
    if role.name == "operator":
        leak, lasts = "laptop of an operator", "as long as the AWS session on it, and what it took until it is ended"
    else:
        leak, lasts = "role", "as long as its credentials, twelve hours at most, and what it took until it is ended"
    return Exposure(leak=leak, of=role.name, gives=tuple(gives), lasts=lasts + "; keys: until each is rotated")


def _third_parties(deployed: Deployed) -> str:
    """Each with how many, and how a token that was taken can be ended there."""
    told = []
    for one in deployed.providers:
        end = "can be ended there" if one.revocation.kind != "none" else "cannot be ended from here"
        number = deployed.connections.get(one.provider_id, 0)
        told.append(f"{one.provider_id} ({number} connections; refresh {one.refresh.kind}; {end})")
    return ", ".join(told) or "none is switched on"


def _tables(deployed: Deployed) -> Iterator[Exposure]:
    days = f"audit records of {RETENTION_SECONDS // 86400} days; no credential in it is usable, so none has to be ended"
    with_key = tuple(f"with the keyset {purpose}: {KEYS[purpose]}" for purpose in PURPOSES if purpose != "vault")
    both = f"with the other table and the keyset vault: {KEYS['vault']}; {_third_parties(deployed)}"
    yield Exposure(leak="table dump", of=deployed.settings.table, gives=PLAIN, with_more=(*with_key, both), lasts=days)
    yield Exposure(
        leak="table dump", of=deployed.settings.keys_table, gives=("how many users there are",), with_more=(both,),
        lasts="a user who is erased from now on stays readable in the copy, with the key and the other table",
    )  # fmt: skip


def _keyset(purpose: Purpose) -> Exposure:
    """The right to open it, without the table: there is nothing to open."""
    table = "both tables" if purpose == "vault" else "a copy of the table"
    return Exposure(
        leak="key grant",
        of=purpose,
        gives=("nothing: the wrapped key stands in the table",),
        with_more=(f"with {table}: {KEYS[purpose]}",),
        lasts="until the grant is gone, and the keyset rotated where it was used",
    )


def _log(group: str, days: int | None) -> Exposure:
    return Exposure(
        leak="log",
        of=group,
        gives=("which app did what for which user at which third party, and why it was refused; no token, no secret",),
        lasts=f"lines of {days} days" if days else "lines of all times: the group has no end",
    )
