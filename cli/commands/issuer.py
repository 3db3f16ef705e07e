"""broker issuer add|accept|unaccept|list|show|try|forget-keys|remove: identity providers whose tokens your apps may
exchange at the broker.
"""

import argparse
from typing import Any

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.scope import parse_scope
from chalicelib.records.issuer import AcceptanceRule, ClaimValues, Issuer
from cli.deployment import issuers
from cli.deployment.issuer_metadata import count_keys, fetch_keys, fetch_metadata
from cli.deployment.issuer_trial import try_token
from cli.deployment.operations import Deployment, OperationError, find_client, list_providers
from cli.deployment.secret_source import read_source
from cli.output import Summary, date

KINDS = ("access_token", "id_token")
NAME = "the name that you gave it, or its issuer"


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker issuer`."""
    said = "trust an identity provider whose users your apps sign in themselves"
    verbs = groups.add_parser("issuer", help=said).add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_add(
        verbs.add_parser("add", parents=[common], help="add an issuer, and pin its key set; it grants nothing yet")
    )
    _add_accept(verbs.add_parser("accept", parents=[common], help="let a client present one kind of its tokens"))
    drop = verbs.add_parser("unaccept", parents=[common], help="remove a client from a rule")
    drop.add_argument("named", metavar="NAME", help=NAME)
    drop.add_argument("--kind", choices=KINDS, required=True)
    drop.add_argument("--client", required=True, metavar="CLIENT_ID")
    drop.add_argument("--audience", default="", help="default: every audience")
    drop.set_defaults(act=_unaccept)
    verbs.add_parser("list", parents=[common], help="list all trusted issuers").set_defaults(act=_list)
    acts = (("show", "show one issuer and its rules", _show), ("remove", "stop trusting an issuer", _remove))
    for verb, help_, act in (*acts, ("forget-keys", "void its key sets that were fetched before", _forget_keys)):
        one = verbs.add_parser(verb, parents=[common], help=help_)
        one.add_argument("named", metavar="NAME", help=NAME)
        one.set_defaults(act=act)
    test = verbs.add_parser("try", parents=[common], help="check a token as the broker would; changes nothing")
    test.add_argument("named", metavar="NAME", help=NAME)
    test.add_argument("--client", required=True, metavar="CLIENT_ID")
    test.add_argument("--kind", choices=KINDS, default="access_token")
    test.add_argument("--token-from", required=True, metavar="env:NAME|file:PATH|-", help="where to read the token")
    test.set_defaults(act=_try)


def _add_add(add: argparse.ArgumentParser) -> None:
    add.add_argument("issuer", metavar="ISSUER", help="the exact iss of its tokens, such as https://acme.eu.auth0.com/")
    add.add_argument("--name", required=True, help="as you and your users read it")
    add.add_argument("--jwks-uri", help="its key set; default: as its discovery document says now")
    add.add_argument("--algorithm", action="append", default=[], metavar="ALG", help="may repeat; default: RS256")
    add.add_argument("--subject-claim", default="sub", help="the claim that names a user; default: sub")
    add.add_argument("--tenant-claim", default="", help="the claim that names a tenant")
    add.add_argument("--tenant", action="append", default=[], help="an accepted tenant; may repeat")
    add.add_argument("--login-of", default="", metavar="PROVIDER_ID", help="a provider that signs in the same people")
    add.set_defaults(act=_add)


def _add_accept(put: argparse.ArgumentParser) -> None:
    put.add_argument("named", metavar="NAME", help=NAME)
    put.add_argument("--kind", choices=KINDS, required=True)
    put.add_argument("--audience", required=True, help="the exact audience of the tokens")
    put.add_argument("--client", action="append", required=True, metavar="CLIENT_ID", help="may repeat")
    put.add_argument("--audience-claim", help="the claim that names the audience; default: aud")
    put.add_argument("--other-audience", action="append", default=[], help="accepted in addition to it; may repeat")
    put.add_argument("--party", action="append", default=[], help="a client there that may have got the token")
    put.add_argument("--party-claim", help="the claim that names that client; default: azp")
    put.add_argument("--require", action="append", default=[], metavar="CLAIM=VALUE", help="may repeat")
    put.add_argument("--refuse", action="append", default=[], metavar="CLAIM=VALUE", help="may repeat")
    put.add_argument("--typ", help="the typ of the header; none: it has none")
    put.add_argument("--max-age", type=int, metavar="SECONDS", help="since it was issued; default: 3600")
    put.add_argument("--scope", default="", help="scopes of your own APIs that it opens")
    put.add_argument("--resource", action="append", default=[], metavar="URI", help="an API that it opens; may repeat")
    put.set_defaults(act=_accept)


def _add(deployment: Deployment, options: argparse.Namespace) -> Any:
    if not issuers.is_https(options.issuer, loopback=deployment.settings.is_loopback):
        raise OperationError("ISSUER must be an https address", "broker issuer add https://acme.eu.auth0.com/")
    found = None if options.jwks_uri else fetch_metadata(deployment, options.issuer)
    if options.login_of:
        _check_login_of(deployment, options, public=bool(found and found.public_subjects))
    issuer = Issuer(
        issuer=options.issuer,
        name=options.name,
        jwks_uri=found.jwks_uri if found else options.jwks_uri,
        algorithms=frozenset(options.algorithm or ["RS256"]),
        subject_claim=options.subject_claim,
        tenant_claim=options.tenant_claim,
        tenants=frozenset(options.tenant),
        login_of=options.login_of,
    )
    keys = count_keys(deployment, issuer.jwks_uri)
    return {**_row(issuers.add_issuer(deployment, issuer)), "keys": keys}


def _check_login_of(deployment: Deployment, options: argparse.Namespace, *, public: bool) -> None:
    """Both sides must give the same person the same name (STD-01). Raises OperationError."""
    record = next((one for one in list_providers(deployment) if one.provider_id == options.login_of), None)
    if record is None:
        raise OperationError(f"provider {options.login_of} is not enabled", "broker provider list")
    if issuers.issuer_of_provider(deployment, record) != options.issuer or options.subject_claim != "sub":
        said = f"a sign-in with {options.login_of} names its users by another issuer or claim"
        raise OperationError(said, "leave --login-of out: its users are then different users here")
    if not public:
        said = "the issuer does not say that a user has the same sub at all its clients (subject_types_supported)"
        raise OperationError(said, "leave --login-of out: its users are then different users here")


def _accept(deployment: Deployment, options: argparse.Namespace) -> Any:
    try:
        scopes = parse_scope(options.scope)
    except OAuthError as error:
        raise OperationError(f"--scope is invalid: {error.reason}", '--scope "openid orders:read"') from None
    rule = AcceptanceRule(
        kind=options.kind,
        audience=options.audience,
        clients=frozenset(options.client),
        other_audiences=frozenset(options.other_audience),
        parties=frozenset(options.party),
        scopes=scopes,
        resources=frozenset(options.resource),
        **_shape(options),
    )
    return _row(issuers.accept(deployment, options.named, rule))


def _shape(options: argparse.Namespace) -> dict[str, Any]:
    """What differs from the plain shape of RFC 9068 and OpenID Connect."""
    typed = ("audience_claim", "party_claim", "typ", "max_age")
    values = {name: value for name in typed if (value := getattr(options, name)) is not None}
    return {**values, "require": _claims(options.require), "refuse": _claims(options.refuse)}


def _claims(words: list[str]) -> tuple[ClaimValues, ...]:
    grouped: dict[str, set[str]] = {}
    for word in words:
        claim, equals, value = word.partition("=")
        if not (claim and equals):
            raise OperationError(f"{word} is not CLAIM=VALUE", "--require token_use=access")
        grouped.setdefault(claim, set()).add(value)
    return tuple(ClaimValues(claim=claim, values=frozenset(values)) for claim, values in grouped.items())


def _unaccept(deployment: Deployment, options: argparse.Namespace) -> Any:
    named, audience = options.named, options.audience
    return _row(issuers.unaccept(deployment, named, kind=options.kind, client_id=options.client, audience=audience))


def _list(deployment: Deployment, options: argparse.Namespace) -> Any:
    return [_row(issuer) for issuer in issuers.list_issuers(deployment)]


def _show(deployment: Deployment, options: argparse.Namespace) -> Any:
    return _row(issuers.find_issuer(deployment, options.named))


def _remove(deployment: Deployment, options: argparse.Namespace) -> Any:
    issuer = issuers.remove_issuer(deployment, options.named)
    return {"name": issuer.name, "issuer": issuer.issuer, "removed": True}


def _forget_keys(deployment: Deployment, options: argparse.Namespace) -> Any:
    return _row(issuers.forget_keys(deployment, options.named))


def _try(deployment: Deployment, options: argparse.Namespace) -> Any:
    issuer, client = issuers.find_issuer(deployment, options.named), find_client(deployment, options.client)
    token, keys = read_source(options.token_from, whole=True).strip(), fetch_keys(deployment, issuer)
    steps = try_token(issuer, client, options.kind, token, keys=keys, now=deployment.clock.now())
    return Summary(
        {"accepted": steps[-1].passed, "steps": [step.row for step in steps]}, text="\n".join(map(str, steps))
    )


def _row(issuer: Issuer) -> dict[str, Any]:
    return {
        "name": issuer.name,
        "issuer": issuer.issuer,
        "jwks_uri": issuer.jwks_uri,
        "algorithms": sorted(issuer.algorithms),
        "subject_claim": issuer.subject_claim,
        "tenant_claim": issuer.tenant_claim or None,
        "tenants": sorted(issuer.tenants),
        "login_of": issuer.login_of or None,
        "rules": [_rule_words(rule) for rule in issuer.rules],
        "keys_after": date(issuer.keys_after or None),
        "disabled": issuer.marks.disabled,
        "void_before": date(issuer.marks.not_before),
        "revision": issuer.revision,
    }


def _rule_words(rule: AcceptanceRule) -> str:
    """One rule on one line."""
    opened = " ".join((*sorted(rule.scopes), *sorted(rule.resources))) or "nothing of your own"
    parties = f", got by {' or '.join(sorted(rule.parties))}" if rule.parties else ""
    return f"{rule.kind} for {rule.audience}{parties}, presented by {' '.join(sorted(rule.clients))}: opens {opened}"
