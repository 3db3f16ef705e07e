"""What a leak exposes and for how long, computed from the deployed settings, clients, providers and policies."""

from collections.abc import Iterator

from chalicelib.records.audit import RETENTION_SECONDS
from chalicelib.records.client import Client
from chalicelib.records.keyset import Purpose
from cli.deployment.inventory import Deployed
from cli.deployment.leak import Exposure, span
from cli.deployment.roles import PURPOSES, Role
from cli.deployment.write_access import write_access

# What a keyset gives to whoever also has the items that the table holds of it.
KEYS: dict[Purpose, str] = {
    "signing": "access tokens for every active sign-in, valid at the proxy and at every API that verifies tokens "
    "offline",
    "handle": "no code or refresh token, because the table stores only hashes; with write access to the table, an "
    "attacker turns a sign-in of their own into that of any user",
    "cookie": "the browser session of every user, and pending consent decisions",
    "identity": "each user's account at each provider; with write access to the table, an attacker links a login of "
    "their own to any user",
    "pepper": "offline guesses at client secrets, which have 256 bits and cannot be guessed",
    "user_code": "which device waits for which user code (valid for ten minutes)",
    "nonce": "nonces for DPoP proofs that a thief of a key makes in advance",
    "pairwise": "the real users behind the pairwise subjects of apps",
    "vault": "every provider token, including refresh tokens, and the broker's client secrets at providers",
    "audit": "forged seals over false audit records; the log contradicts them",
}
# Readable by anyone with a copy of the table; everything else is hashed or encrypted.
PLAIN = (
    "which user allowed which app what, and when",
    "which app used which connection when (audit records)",
    "names, redirect URIs and scopes of the apps",
)


def compute(deployed: Deployed) -> list[Exposure]:
    """Everything that can leak, the most likely first."""
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
        alone.append(f"the content of tokens that were sent to {', '.join(sorted(client.serves))}")
    actors = [one.client_name for one in deployed.clients if client.client_id in one.may_be_acted_by]
    with_more = [
        f"with a token of a user of {name} that was sent to it: tokens to act for that user" for name in actors
    ]
    if client.redirect_uris:
        with_more.append(f"with an intercepted code and its verifier: that sign-in ({scopes})")
    if "refresh_token" in client.grant_types:
        end = span(settings.refresh_end_seconds)
        with_more.append(
            f"with a stolen refresh token: that sign-in, until it ends or its app uses the token, at most {end}"
        )
    with_more += [f"with a stolen access token: {one}" for one in _handed(client, deployed)]
    if client.dpop_bound_access_tokens:
        with_more = [f"{one}; only with the app's proof key too" for one in with_more]
    kind = "client secret" if client.has_secret else "client key"
    how = "`broker client secret rotate`" if client.has_secret else "another key in its registration"
    ends = max((one.expires_at or 0 for one in client.secrets), default=0)
    until = f"until {how}; tokens issued before stay valid for {life}" + (", older secrets expire" if ends else "")
    named = f"{client.client_name} ({client.client_id})"
    state = "nothing: the app is disabled" if client.marks.disabled else until
    return Exposure(leak=kind, of=named, gives=tuple(alone), with_more=tuple(with_more), lasts=state)


def _handed(client: Client, deployed: Deployed) -> Iterator[str]:
    """The providers' tokens and calls that the app may request."""
    for provider in deployed.providers:
        prefix = f"{provider.provider_id}:"
        scopes = sorted(one.removeprefix(prefix) for one in client.scopes if one.startswith(prefix))
        if client.handout == "none" or not scopes or not client.may_use(provider.provider_id):
            continue
        what = "the token of" if client.handout == "token" else "calls through the proxy to"
        yield f"{what} {provider.provider_id} ({' '.join(scopes)})"


def _devices(deployed: Deployed) -> Iterator[Exposure]:
    """The secrets on a user's laptop or phone, by app."""
    settings = deployed.settings
    session = f"the broker's browser session (sign-ins and the account page), for {span(settings.session_seconds)}"
    yield Exposure(
        leak="laptop of a user",
        of="its browser",
        gives=(session,),
        lasts=f"{span(settings.session_seconds)}; end it sooner with `broker user sign-out` or on the user's "
        "account page",
    )
    for client in deployed.clients:
        if client.is_confidential and not client.bff_origins:
            continue  # its tokens are at its server
        gives = list(_handed(client, deployed)) or ["everything that the app may do for that user"]
        if client.bff_origins:
            lasts = f"{span(settings.bff_idle_seconds)} idle, {span(settings.bff_end_seconds)} in total"
        elif "refresh_token" in client.grant_types:
            lasts = f"{span(settings.refresh_idle_seconds)} idle, {span(settings.refresh_end_seconds)} in total"
            lasts += "; if a copy and the app both use it, both are revoked"
        else:
            lasts = span(settings.access_token_seconds)
        if client.dpop_bound_access_tokens:
            gives = [f"{one}, only together with the device's proof key" for one in gives]
        named = f"{client.client_name} ({client.client_id})"
        yield Exposure(leak="laptop of a user", of=named, gives=tuple(gives), lasts=lasts)


def _role(role: Role, deployed: Deployed) -> Exposure:
    gives = []
    if "vault" in role.opens and role.keys and role.may_read("CONNECTION"):
        gives.append(f"every provider token: {_third_parties(deployed)}")
    if "vault" in role.opens and role.may_read("PROVIDER"):
        gives.append("the broker's client secrets at providers")
    if "vault" in role.opens and role.may_write("PROVIDER"):
        gives.append(
            "users' refresh tokens at providers whose host the operator configures, by configuring another host"
        )
    if role.may_read("KEYSET"):
        gives += [KEYS[purpose] for purpose in PURPOSES if purpose != "vault" and purpose in role.opens]
    written = {"CLIENT": "forged apps", "GRANT": "forged sign-ins", "AUDIT": "forged audit records"}
    gives += [what for kind, what in written.items() if role.may_write(kind)]
    if role.destroys:
        gives.append("deletion of users' keys, which destroys the data encrypted under them")
    if role.wraps:
        gives.append("forged keys in place of the broker's")
    if role.logs:
        gives.append("all log lines")
    if role.name == "operator":
        leak, lasts = (
            "laptop of an operator",
            "as long as the AWS session on it; tokens taken meanwhile stay valid until they are revoked",
        )
    else:
        leak, lasts = (
            "role",
            "as long as its credentials, at most twelve hours; tokens taken meanwhile stay valid until they are "
            "revoked",
        )
    return Exposure(leak=leak, of=role.name, gives=tuple(gives), lasts=lasts + "; keys: until each is rotated")


def _third_parties(deployed: Deployed) -> str:
    """Each provider with its number of connections, and how a stolen token can be revoked there."""
    told = []
    for one in deployed.providers:
        end = "revocable there" if one.revocation.kind != "none" else "not revocable by the broker"
        number = deployed.connections.get(one.provider_id, 0)
        told.append(f"{one.provider_id} ({number} connections; refresh {one.refresh.kind}; {end})")
    return ", ".join(told) or "no provider is enabled"


def _tables(deployed: Deployed) -> Iterator[Exposure]:
    days = (
        f"audit records of {RETENTION_SECONDS // 86400} days; they contain no usable credential, so nothing "
        "needs to be revoked"
    )
    with_key = tuple(f"with the keyset {purpose}: {KEYS[purpose]}" for purpose in PURPOSES if purpose != "vault")
    both = f"with the other table and the keyset vault: {KEYS['vault']}; {_third_parties(deployed)}"
    yield Exposure(leak="table dump", of=deployed.settings.table, gives=PLAIN, with_more=(*with_key, both), lasts=days)
    yield Exposure(
        leak="table dump", of=deployed.settings.keys_table, gives=("the number of users",), with_more=(both,),
        lasts="users erased after the copy was made stay readable in the copy, together with the key and the other "
              "table",
    )  # fmt: skip


def _keyset(purpose: Purpose) -> Exposure:
    """Permission to decrypt, without the table: there is nothing to decrypt."""
    table = "both tables" if purpose == "vault" else "a copy of the table"
    return Exposure(
        leak="key grant",
        of=purpose,
        gives=("nothing: the wrapped key is stored in the table",),
        with_more=(f"with {table}: {KEYS[purpose]}",),
        lasts="until the grant is removed and, if it was used, the keyset is rotated",
    )


def _log(group: str, days: int | None) -> Exposure:
    return Exposure(
        leak="log",
        of=group,
        gives=("which app did what for which user at which provider, and why it was refused; no token, no secret",),
        lasts=f"lines of {days} days" if days else "all lines ever written: the log group has no retention",
    )
