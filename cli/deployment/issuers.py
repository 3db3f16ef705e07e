"""The operator's actions on trusted issuers, and what may not be stored in their records."""

from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from chalicelib.config import read_catalog
from chalicelib.protocol.jwk_selection import KEY_TYPES
from chalicelib.protocol.scope import split_by_provider
from chalicelib.providers.definition import ValueRefused
from chalicelib.records.issuer import MAX_RULES, AcceptanceRule, Issuer
from chalicelib.records.item_keys import issuer_id, issuer_item_key
from chalicelib.records.provider import ProviderRecord
from cli.deployment.operations import Deployment, OperationError, find_client, list_providers, list_resources

LIST = "broker issuer list"
# Claims that can move to another person, or that the user can choose (nOAuth). They never name a user here (ISS-11).
CHANGEABLE_CLAIMS = frozenset({"email", "upn", "preferred_username", "unique_name", "name", "phone_number"})
NEVER_OPENED = frozenset({"profile", "email", "offline_access"})
OLDEST_SECONDS = 86400
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def add_issuer(deployment: Deployment, issuer: Issuer) -> Issuer:
    """Store a new issuer without rules: it is known, and grants nothing. Raises OperationError."""
    _check_issuer(deployment, issuer)
    if any(one.name == issuer.name for one in list_issuers(deployment)):
        raise OperationError(f"another issuer is called {issuer.name}", "choose another --name")
    issuer = replace(issuer, created_at=deployment.clock.now())
    if not deployment.put_if_absent(issuer_item_key(issuer_id(issuer.issuer)), issuer):
        raise OperationError(f"{issuer.issuer} is already a trusted issuer", LIST)
    return issuer


def accept(deployment: Deployment, name: str, rule: AcceptanceRule) -> Issuer:
    """Add an acceptance rule. Raises OperationError."""
    for _ in deployment.write_tries():
        issuer = find_issuer(deployment, name)
        _check_rule(deployment, issuer, rule)
        changed = _change(deployment, issuer, rules=(*issuer.rules, rule))
        if changed is not None:
            return changed
    raise _busy(name)


def unaccept(deployment: Deployment, name: str, *, kind: str, client_id: str, audience: str) -> Issuer:
    """Remove this client from the rules for this kind and audience; a rule without clients goes. Raises OperationError.

    audience   "": every audience
    """
    for _ in deployment.write_tries():
        issuer = find_issuer(deployment, name)
        rules = tuple(
            replace(rule, clients=rule.clients - {client_id}) if _is_meant(rule, kind, audience) else rule
            for rule in issuer.rules
        )
        if rules == issuer.rules:
            raise OperationError(f"no such rule of {name}", f"broker issuer show {name}")
        changed = _change(deployment, issuer, rules=tuple(rule for rule in rules if rule.clients))
        if changed is not None:
            return changed
    raise _busy(name)


def forget_keys(deployment: Deployment, name: str) -> Issuer:
    """Void every key set that was fetched before now, in every process (ISS-32). Raises OperationError."""
    for _ in deployment.write_tries():
        issuer = find_issuer(deployment, name)
        changed = _change(deployment, issuer, keys_after=max(deployment.time_of_mark(), issuer.keys_after + 1))
        if changed is not None:
            return changed
    raise _busy(name)


def remove_issuer(deployment: Deployment, name: str) -> Issuer:
    """Delete the record: the issuer's tokens and everything that came from them are refused at the next use. Raises
    OperationError."""
    issuer = find_issuer(deployment, name)
    if not deployment.delete(issuer_item_key(issuer_id(issuer.issuer))):
        raise OperationError(f"no such issuer: {name}", LIST)
    return issuer


def find_issuer(deployment: Deployment, name: str) -> Issuer:
    """The issuer with this name, or with this exact `iss`. Raises OperationError."""
    for issuer in list_issuers(deployment):
        if name in (issuer.name, issuer.issuer):
            return issuer
    raise OperationError(f"no such issuer: {name}", LIST)


def list_issuers(deployment: Deployment) -> list[Issuer]:
    """All trusted issuers, by name."""
    found: list[Issuer] = deployment.scan("ISSUER#", Issuer)
    return sorted(found, key=lambda issuer: issuer.name)


def _change(deployment: Deployment, issuer: Issuer, **fields: Any) -> Issuer | None:
    """None if another process changed it meanwhile."""
    changed = replace(issuer, **fields, revision=issuer.revision + 1)
    place = issuer_item_key(issuer_id(issuer.issuer))
    return deployment.put_fields(place, changed, *fields, "revision", read=issuer)


def _is_meant(rule: AcceptanceRule, kind: str, audience: str) -> bool:
    return rule.kind == kind and audience in ("", rule.audience)


def _check_issuer(deployment: Deployment, issuer: Issuer) -> None:
    if issuer.issuer == deployment.settings.issuer:
        raise OperationError("the broker does not trust itself as another issuer", LIST)
    if issuer.subject_claim in CHANGEABLE_CLAIMS:
        raise OperationError(
            f"{issuer.subject_claim} can move to another person, so it names no user", "--subject-claim sub"
        )
    if not issuer.algorithms or not issuer.algorithms <= KEY_TYPES.keys():
        raise OperationError("--algorithm names an algorithm that is not accepted", "--algorithm RS256")
    if bool(issuer.tenant_claim) != bool(issuer.tenants):
        raise OperationError("--tenant-claim needs at least one --tenant, and the reverse", "--tenant-claim tid")
    if issuer.tenant_claim and issuer.login_of:
        raise OperationError("--login-of does not go with --tenant-claim", "leave one of them out")


def _check_rule(deployment: Deployment, issuer: Issuer, rule: AcceptanceRule) -> None:
    if len(issuer.rules) >= MAX_RULES:
        raise OperationError(f"an issuer has {MAX_RULES} rules at most", f"broker issuer show {issuer.name}")
    if any(_is_meant(rule, one.kind, one.audience) and rule.clients & one.clients for one in issuer.rules):
        raise OperationError("there is such a rule", f"broker issuer unaccept {issuer.name} --help")
    if any(record.client_id == rule.audience for record in list_providers(deployment)):
        said = "this audience is the broker's own registration at the provider, whose tokens belong to the broker"
        raise OperationError(said, "register the broker as an API at the issuer, and name that audience")
    if not 0 < rule.max_age <= OLDEST_SECONDS:
        raise OperationError(f"--max-age must be 1 to {OLDEST_SECONDS} seconds", "--max-age 3600")
    twins = [one for one in issuer.rules if one.audience == rule.audience and one.kind != rule.kind]
    if twins and not (rule.require and all(one.require for one in twins)):
        said = "an ID token and an access token of this audience could not be told apart"
        raise OperationError(said, "add --require with a claim that tells them apart, to both rules")
    _check_opened(deployment, rule)
    for client_id in sorted(rule.clients):
        client = find_client(deployment, client_id)
        if EXCHANGE not in client.grant_types:
            fix = f"broker client update {client_id} --add-grant-type {EXCHANGE}"
            raise OperationError(f"{client_id} may not use token exchange", fix)
        public_may = rule.kind == "access_token" and rule.audience == deployment.settings.issuer
        if not client.is_confidential and not public_may:
            said = f"{client_id} is a public client: it may present access tokens for the broker itself alone"
            raise OperationError(said, f"--audience {deployment.settings.issuer}")


def _check_opened(deployment: Deployment, rule: AcceptanceRule) -> None:
    """Scopes of the team's own APIs alone: a provider is opened only by the user, on a page (ISS-31)."""
    foreign = split_by_provider(rule.scopes, read_catalog(deployment.settings).ids).keys() - {""}
    if foreign or rule.scopes & NEVER_OPENED:
        raise OperationError("--scope takes scopes of your own APIs, and openid", '--scope "openid orders:read"')
    known = {resource.audience for resource in list_resources(deployment)}
    for audience in sorted(rule.resources - known):
        raise OperationError(f"there is no resource {audience}", f"broker resource create --audience {audience}")


def issuer_of_provider(deployment: Deployment, record: ProviderRecord) -> str | None:
    """The issuer whose users sign in with this provider; None if its subject is not the `sub` of an ID token."""
    try:
        definition = read_catalog(deployment.settings).fill(record)
    except ValueRefused:
        return None
    if (
        definition is None
        or definition.identity.source != "id_token"
        or definition.identity.subject not in ("sub", ("sub",))
    ):
        return None
    return definition.identity.issuer or record.issuer or definition.issuer


def is_https(url: str, *, loopback: bool) -> bool:
    """An https URL; also http on a loopback address, if the broker runs on one."""
    parts = urlsplit(url)
    local = loopback and parts.scheme == "http" and (parts.hostname or "").startswith(("127.", "localhost", "::1"))
    return (parts.scheme == "https" or local) and bool(parts.hostname) and not parts.fragment and not parts.username


def _busy(name: str) -> OperationError:
    return OperationError(f"issuer {name} is being changed by another process", "repeat the command")
