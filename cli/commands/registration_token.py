"""broker registration-token create|list|revoke: tokens with which apps register themselves over HTTP: how many apps,
and with which permissions.
"""

import argparse
from typing import Any, get_args

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.registration_allowances import TOKEN_EXCHANGE
from chalicelib.protocol.registration_tokens import INITIAL, TOKEN_BYTES, token_hash, write_token
from chalicelib.protocol.scope import parse_scope
from chalicelib.protocol.supported import GRANT_TYPES
from chalicelib.records.client import MOST_RESOURCES, AuthMethod, RegistrationPolicy
from chalicelib.records.initial_token import InitialToken
from chalicelib.records.item_keys import initial_token_item_key
from cli.client_options import known_scopes
from cli.deployment.operations import Deployment, OperationError, list_resources
from cli.output import date

DEFAULT_SCOPE = "openid profile email offline_access"
METHODS: tuple[str, ...] = get_args(AuthMethod)
DAY = 86400
LONGEST_DAYS = 366
LISTED_AFTER = 30 * DAY  # how long the list shows an expired token and the number of its apps
NAME_LENGTH = 12  # of the hash: tells tokens apart in a list and in the log, and opens nothing
LIST = "broker registration-token list"


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker registration-token`."""
    verbs = groups.add_parser(
        "registration-token", help="manage tokens that let apps register themselves"
    ).add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_create(verbs.add_parser("create", parents=[common], help="create a token; it is shown only once"))
    verbs.add_parser("list", parents=[common], help="list the tokens, without their secrets").set_defaults(act=_list)
    revoke = verbs.add_parser("revoke", parents=[common], help="revoke a token; clients that it registered stay")
    revoke.add_argument("name", help="the name in the list")
    revoke.set_defaults(act=_revoke)


def _add_create(create: argparse.ArgumentParser) -> None:
    add = create.add_argument
    many = create.add_mutually_exclusive_group()
    many.add_argument("--uses", type=int, default=1, metavar="N", help="how many apps it may register (default: 1)")
    many.add_argument("--unlimited", action="store_true", help="any number of apps, until it expires")
    add("--expires-in", type=int, default=7 * DAY, metavar="SECONDS", help="lifetime; default: 604800 (7 days)")
    add("--note", default="", help="a note for the list")
    add("--scope", default=DEFAULT_SCOPE, help=f'every scope that those apps may register; default: "{DEFAULT_SCOPE}"')
    add("--force", action="store_true", help=known_scopes.FORCE_HELP)
    add(
        "--handout", choices=("none", "proxy", "token"), default="none", help="how those apps may use providers' tokens"
    )
    add("--grant-type", action="append", default=[], choices=GRANT_TYPES, metavar="TYPE", help=_grant_type_help())
    add(
        "--auth-method",
        action="append",
        default=[],
        choices=METHODS,
        metavar="METHOD",
        help="grant type that they may register; may repeat; default: all",
    )
    add(
        "--provider",
        action="append",
        default=[],
        metavar="ID",
        help="provider that they may use; may repeat; default: every enabled one",
    )
    add(
        "--resource",
        action="append",
        default=[],
        metavar="URI",
        help="an API of yours that they may request tokens for",
    )
    create.set_defaults(act=_create)


def _grant_type_help() -> str:
    return f"may repeat: {', '.join(GRANT_TYPES)}; default: the first two, and token exchange with --handout token"


def _create(deployment: Deployment, options: argparse.Namespace) -> Any:
    """Raises OperationError for a token that would register no app or never expire."""
    if options.uses < 1:
        raise OperationError("--uses must be at least 1", "use --unlimited for any number")
    if not 60 <= options.expires_in <= LONGEST_DAYS * DAY:
        raise OperationError(f"--expires-in must be 60 seconds to {LONGEST_DAYS} days", "--expires-in 604800")
    if options.note and not options.note.isprintable():
        raise OperationError("--note must be printable text", '--note "for the CI of team A"')
    token = write_token(INITIAL, deployment.entropy.token_bytes(TOKEN_BYTES))
    now = deployment.clock.now()
    kept = InitialToken(
        token_hash=token_hash(token).hex(),
        policy=_build_policy(deployment, options),
        uses=0 if options.unlimited else options.uses,
        created_at=now,
        expires_at=now + options.expires_in,
        epoch=deployment.settings.epoch,
        note=options.note,
    )
    deployment.put_if_absent(initial_token_item_key(kept.token_hash), kept, purge_at=kept.expires_at + LISTED_AFTER)
    door = deployment.settings.registration
    return {
        **_row(deployment, kept),
        "registration": "closed; set BROKER_REGISTRATION=token for the broker" if door == "closed" else door,
        "registration_endpoint": f"{deployment.settings.issuer}/register",
        "initial_access_token": token,
    }


def _build_policy(deployment: Deployment, options: argparse.Namespace) -> RegistrationPolicy:
    try:
        scopes = parse_scope(options.scope)
    except OAuthError as error:
        raise OperationError(f"--scope is invalid: {error.reason}", '--scope "openid github:repo"') from None
    catalog = known_scopes.find_catalog(deployment)
    known_scopes.check_providers(catalog, options.provider)
    known_scopes.check_scopes(deployment, catalog, scopes, force=options.force)
    if len(set(options.resource)) > MOST_RESOURCES:
        raise OperationError(f"a client may have {MOST_RESOURCES} APIs at most", "name fewer with --resource")
    known = {resource.audience for resource in list_resources(deployment)} if options.resource else set()
    for audience in sorted(set(options.resource) - known):
        raise OperationError(f"there is no resource {audience}", f"broker resource create --audience {audience}")
    exchange = [TOKEN_EXCHANGE] if options.handout == "token" else []
    return RegistrationPolicy(
        scopes=scopes,
        handout=options.handout,
        grant_types=frozenset(options.grant_type or ["authorization_code", "refresh_token", *exchange]),
        auth_methods=frozenset(options.auth_method or METHODS),
        providers=frozenset(options.provider or ["*"]),
        resources=frozenset(options.resource),
    )


def _list(deployment: Deployment, options: argparse.Namespace) -> Any:
    return [_row(deployment, one) for one in _read_all(deployment)]


def _revoke(deployment: Deployment, options: argparse.Namespace) -> Any:
    """A deleted token is refused like an unknown one."""
    found = [one for one in _read_all(deployment) if _name(one) == options.name]
    if not found or not deployment.delete(initial_token_item_key(found[0].token_hash)):
        raise OperationError(f"no such registration token: {options.name}", LIST)
    return {"name": options.name, "revoked": True, "used": found[0].used}


def _read_all(deployment: Deployment) -> list[InitialToken]:
    found: list[InitialToken] = deployment.scan("IAT#", InitialToken)
    return sorted(found, key=lambda one: (one.created_at, one.token_hash))


def _name(token: InitialToken) -> str:
    return token.token_hash[:NAME_LENGTH]


def _row(deployment: Deployment, token: InitialToken) -> dict[str, Any]:
    policy = token.policy
    return {
        "name": _name(token),
        "note": token.note,
        "used": token.used,
        "uses": token.uses or "unlimited",
        "expires_at": date(token.expires_at),
        "over": token.is_over(deployment.clock.now(), epoch=deployment.settings.epoch),
        "scope": " ".join(sorted(policy.scopes)),
        "handout": policy.handout,
        "grant_types": sorted(policy.grant_types),
        "auth_methods": sorted(policy.auth_methods),
        "providers": sorted(policy.providers),
        "resources": sorted(policy.resources),
        "created_at": date(token.created_at),
    }
