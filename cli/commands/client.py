"""broker client create|update|list|show|disable|enable|delete, broker client secret rotate."""

import argparse
from typing import Any, get_args

from msgspec.structs import replace

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.scope import parse_scope
from chalicelib.providers.catalog import Catalog
from chalicelib.records.client import Client, ResponseMode
from chalicelib.records.item_keys import is_url
from chalicelib.records.settings import Settings
from cli.client_options import (
    access_options,
    actor,
    bff,
    framework,
    known_scopes,
    purpose,
    scope_options,
    sign_outs,
    subjects,
    update_options,
)
from cli.client_options.client_keys import METHOD, add_algorithm_option, add_key_options, with_keys
from cli.client_options.client_row import client_row
from cli.client_options.profile import fit
from cli.client_options.proxy_rules import HELP, parse_rules
from cli.client_options.redirect_uris import check_redirect_uri
from cli.client_options.summary import summarise
from cli.client_options.update_options import check_name, check_page
from cli.commands.client_enable import add_switches, switch_client
from cli.commands.connection import end_client, ended_rows
from cli.deployment.broker import find_broker
from cli.deployment.operations import (
    ROTATION_SECONDS,
    Deployment,
    Keep,
    OperationError,
    change_keys,
    create_client,
    delete_client,
    find_client,
    list_clients,
    rotate_client_secret,
    update_client,
)
from cli.output import Summary

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
PUSHED_HELP = "the client must push its sign-in requests to /par first (RFC 9126)"
DPOP_HELP = "every token request of the client must carry a DPoP proof (RFC 9449)"
DEFAULT_SCOPE = "openid profile email offline_access"


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker client`."""
    verbs = groups.add_parser("client", help="manage clients (apps)").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    add_create_options(verbs.add_parser("create", parents=[common], help="register an app"))
    update = verbs.add_parser(
        "update", parents=[common], help="change what a client may request, how it authenticates, or its keys"
    )
    add_update_options(update)
    verbs.add_parser("list", parents=[common], help="list all apps").set_defaults(act=_list)
    show = verbs.add_parser("show", parents=[common], help="show one app")
    show.add_argument("client_id")
    framework.add_option(show)
    show.set_defaults(act=_show)
    add_switches(verbs, common)
    delete = verbs.add_parser("delete", parents=[common], help="delete an app and revoke everything that it holds")
    delete.add_argument("client_id")
    delete.set_defaults(act=remove_client)
    secret = verbs.add_parser("secret", help="manage an app's secret").add_subparsers(
        dest="part", required=True, metavar="VERB"
    )
    rotate = secret.add_parser(
        "rotate", parents=[common], help="create a new secret; the old one stays valid for a while"
    )
    rotate.add_argument("client_id")
    rotate.add_argument(
        "--overlap",
        type=int,
        default=ROTATION_SECONDS,
        metavar="SECONDS",
        help="how long the old secret stays valid (default: 7 days)",
    )
    rotate.set_defaults(act=_rotate)


def add_update_options(update: argparse.ArgumentParser) -> None:
    """The options of `broker client update`."""
    update.add_argument("client_id")
    changes = update.add_mutually_exclusive_group()
    changes.add_argument("--proxy-allow", action="append", metavar="RULE", help=HELP)
    changes.add_argument("--proxy-allow-all", action="store_true", help="remove the limit on proxy calls")
    changes.add_argument("--require-pushed-requests", choices=("yes", "no"), help=PUSHED_HELP)
    changes.add_argument("--dpop-bound", choices=("yes", "no"), help=DPOP_HELP)
    add_key_options(changes)
    update.add_argument(
        "--auth-method", choices=(METHOD,), help="authenticate with keys from now on; this removes its secrets"
    )
    add_algorithm_option(update)
    sign_outs.add_options(update)
    bff.add_options(update)
    purpose.add_option(update)
    scope_options.add_options(update)
    access_options.add_options(update)
    update_options.add_options(update)
    actor.add_options(update, update=True)
    update.set_defaults(act=_update)


def add_create_options(create: argparse.ArgumentParser) -> None:
    """The options of `broker client create`."""
    add = create.add_argument
    add("--name", required=True, help="the name on the consent page")
    add(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="redirect URI, compared byte for byte; may repeat",
    )
    add(
        "--auth-method",
        choices=METHODS,
        default="none",
        help="how the client authenticates; default: none, a public client with PKCE",
    )
    add_key_options(create)
    add_algorithm_option(create)
    add(
        "--native",
        action="store_true",
        help="an app on the user's device: allows loopback ports and private URI schemes",
    )
    add("--scope", default=DEFAULT_SCOPE, help=f'every scope that the client may request; default: "{DEFAULT_SCOPE}"')
    add("--force", action="store_true", help=known_scopes.FORCE_HELP)
    add("--optional-scope", default="", help="scopes that the user may deselect")
    add(
        "--provider",
        action="append",
        default=[],
        metavar="ID",
        help="provider that it may use; may repeat; default: every enabled one",
    )
    add("--handout", choices=("none", "proxy", "token"), default="none", help="how it may use providers' tokens")
    add("--proxy-allow", action="append", default=[], metavar="RULE", help=HELP)
    add("--resource", action="append", default=[], metavar="URI", help="an API of yours that it may request tokens for")
    add("--serves", action="append", default=[], metavar="URI", help="audience for which it may introspect tokens")
    add("--dpop-bound", action="store_true", help=DPOP_HELP)
    add("--for-itself", action="store_true", help="allow client_credentials as well")
    add("--acts", action="store_true", help="as --for-itself, and also for apps that let this client act for them")
    add(
        "--device",
        action="store_true",
        help="allow the device flow: the user types a code in a browser on another device",
    )
    add("--first-party", action="store_true", help="your own app: the broker shows no consent page")
    add("--response-mode", action="append", choices=get_args(ResponseMode), help="may repeat; default: all of them")
    add("--require-pushed-requests", action="store_true", help=PUSHED_HELP)
    add("--client-uri", metavar="URI", help="the app's website")
    add("--login-uri", metavar="URI", help="where the app starts a sign-in")
    sign_outs.add_options(create)
    bff.add_options(create)
    purpose.add_option(create)
    subjects.add_options(create)
    actor.add_options(create)
    framework.add_option(create)
    create.set_defaults(act=_create)


def _create(deployment: Deployment, options: argparse.Namespace) -> Any:
    return register_client(deployment, options)


def register_client(
    deployment: Deployment, options: argparse.Namespace, *, client_id: str = "", keep: Keep | None = None
) -> Summary:
    """Register the client that these options of `create` describe. Raises OperationError.

    client_id   its id; "" for a new one
    keep        called with the client and its secret before it is registered
    """
    client = _build(options, deployment.settings)
    catalog = _check_known(deployment, client, force=options.force)
    actors, rules = actor.read_actors(deployment, options), parse_rules(options.proxy_allow, catalog)
    client = with_keys(replace(client, proxy_rules=rules, may_be_acted_by=actors), options)
    client = replace(client, **{**bff.read_fields(deployment, client, options), "revision": 1})
    framework.check_fits(client, options.framework)
    client, secret = create_client(deployment, replace(fit(deployment, client), client_id=client_id), keep=keep)
    row = client_row(client) | ({"client_secret": secret} if secret else {})
    warnings = known_scopes.list_unusable(deployment, catalog, client)
    row |= {"warnings": warnings} if warnings else {}
    return summarise(row, client, deployment.settings.issuer, options.framework)


def _build(options: argparse.Namespace, settings: Settings) -> Client:
    """Raises OperationError if the registration is not allowed."""
    grant_types = derive_grant_types(options)
    _check(options, grant_types, settings)
    return Client(
        client_id="",
        client_name=options.name,
        redirect_uris=tuple(options.redirect_uri),
        token_endpoint_auth_method=options.auth_method,
        grant_types=grant_types,
        application_type="native" if options.native else "web",
        scopes=parse_scope(options.scope),
        optional_scopes=parse_scope(options.optional_scope),
        resources=frozenset(options.resource),
        serves=frozenset(options.serves),
        providers=frozenset(options.provider or ["*"]),
        handout=options.handout,
        dpop_bound_access_tokens=options.dpop_bound,
        first_party=options.first_party,
        response_modes=frozenset(options.response_mode or get_args(ResponseMode)),
        require_pushed_authorization_requests=options.require_pushed_requests,
        client_uri=options.client_uri,
        initiate_login_uri=options.login_uri,
        **purpose.read_fields(options),
        **subjects.read_fields(options),
        **sign_outs.read_fields(options, "native" if options.native else "web", settings),
    )


def derive_grant_types(options: argparse.Namespace) -> frozenset[str]:
    """The grant types that follow from the options of `create`."""
    grant_types = {"client_credentials"} if options.for_itself or options.acts else set()
    if options.redirect_uri:
        grant_types |= {"authorization_code", "refresh_token"}
    if options.device:
        grant_types |= {DEVICE_CODE, "refresh_token"}
    if options.handout != "none" or options.acts:
        grant_types.add(EXCHANGE)
    return frozenset(grant_types)


def _update(deployment: Deployment, options: argparse.Namespace) -> Any:
    return client_row(change_client(deployment, find_client(deployment, options.client_id), options))


def change_client(
    deployment: Deployment, client: Client, options: argparse.Namespace, *, alone: bool = False
) -> Client:
    """Change a client as it was read. Raises OperationError, also if another process changes it.

    alone   also a change of another field by another process counts

    Users are asked for consent again after new keys, redirect URIs or scopes. Proxy rules only reduce permissions, and
    sign-out options grant nothing.
    """
    _check_document_says_it(options)
    fields = _read_changes(deployment, client, options)
    if options.jwks is not None or options.jwks_uri is not None:
        if fields:
            raise OperationError("keys cannot be changed together with other options", "run two commands")
        return _change_keys(deployment, client, options)
    if options.auth_method or options.auth_signing_alg:
        raise OperationError("--auth-method and --auth-signing-alg need keys", "add --jwks FILE or --jwks-uri URI")
    if not fields:
        raise OperationError("nothing to change", "broker client update --help")
    if "revision" in fields:
        fields["revision"] = client.revision + 1  # once, whatever asks for it
    return update_client(deployment, client, alone=alone, **fields)


def _read_changes(deployment: Deployment, client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """The changed fields, except keys. Raises OperationError."""
    fields = sign_outs.read_fields(options, client.application_type, deployment.settings)
    fields |= scope_options.read_fields(client, options, deployment)
    fields |= update_options.read_fields(deployment, replace(client, **fields), options)
    fields |= bff.read_fields(deployment, client, options) | purpose.read_fields(options, client)
    fields |= access_options.read_fields(deployment, replace(client, **fields), options)
    if options.proxy_allow or options.proxy_allow_all:
        fields["proxy_rules"] = parse_rules(options.proxy_allow or [], known_scopes.find_catalog(deployment))
    if options.require_pushed_requests:
        fields["require_pushed_authorization_requests"] = options.require_pushed_requests == "yes"
    if options.dpop_bound:
        fields["dpop_bound_access_tokens"] = options.dpop_bound == "yes"
    if options.may_be_acted_by or options.not_acted_by:
        fields["may_be_acted_by"] = actor.read_actors(deployment, options, client)
    return fields


def _check_document_says_it(options: argparse.Namespace) -> None:
    """The next fetch of a client's own document would overwrite such a change."""
    said_here = ("proxy_allow", "proxy_allow_all", "may_be_acted_by", "not_acted_by")
    rules = ("client_id", "json", "stack", "act", "command", "group", "verb", *said_here)
    more = [name for name, value in vars(options).items() if name not in rules and value]
    if is_url(options.client_id) and more:
        said = f"{options.client_id} is defined by its own document"
        raise OperationError(said, "broker client update URL --proxy-allow RULE, or broker client disable URL")


def _change_keys(deployment: Deployment, client: Client, options: argparse.Namespace) -> Client:
    """Switch a client from another method to its keys, if the operator confirms it."""
    if client.token_endpoint_auth_method != METHOD and options.auth_method != METHOD:
        said = f"client {client.client_id} authenticates by {client.token_endpoint_auth_method}"
        raise OperationError(said, f"add --auth-method {METHOD} to replace that method")
    changed = with_keys(replace(client, token_endpoint_auth_method=METHOD), options)
    return change_keys(deployment, client, fit(deployment, changed))


def _check_known(deployment: Deployment, client: Client, *, force: bool) -> Catalog:
    """Providers and APIs must already exist; otherwise a typing error would show only when a user signs in."""
    catalog = known_scopes.find_catalog(deployment)
    known_scopes.check_providers(catalog, client.providers)
    known_scopes.check_scopes(deployment, catalog, client.scopes, force=force)
    access_options.check_registered(deployment, client.resources | client.serves)
    return catalog


def _check(options: argparse.Namespace, grant_types: frozenset[str], settings: Settings) -> None:
    confidential = options.auth_method != "none"
    check_name(options.name)
    if (options.for_itself or options.acts) and not confidential:
        raise OperationError(
            "only a client with a secret or a key may act for itself", "add --auth-method client_secret_basic"
        )
    access_options.check_resources(frozenset(options.resource))
    if options.acts and not options.resource:
        raise OperationError("--acts needs an API", "add --resource URI")
    access_options.check_serves(frozenset(options.serves), confidential=confidential)
    if not grant_types and not options.serves and not options.bff_origin:
        raise OperationError(
            "this client would have no grant type",
            "add --redirect-uri URI, --bff-origin ORIGIN, --device, --for-itself, or --serves URI",
        )
    check_page("--client-uri", options.client_uri or "")
    check_page("--login-uri", options.login_uri or "")
    kind = "native" if options.native else "web"
    for uri in options.redirect_uri:
        check_redirect_uri(uri, application_type=kind, settings=settings, public=not confidential)
    try:
        scopes = parse_scope(options.scope)
    except OAuthError as error:
        raise OperationError(f"--scope is invalid: {error.reason}", '--scope "openid github:repo"') from None
    access_options.read_optional(options.optional_scope, scopes)
    if options.first_party and not all(uri.startswith("https://") for uri in options.redirect_uri):
        raise OperationError("--first-party needs https redirect URIs", "use a claimed https address")


def _list(deployment: Deployment, options: argparse.Namespace) -> Any:
    short = ("client_id", "client_name", "token_endpoint_auth_method", "handout", "may_be_acted_by", "registered_by")
    rows = [client_row(client) for client in list_clients(deployment)]
    return rows if options.json else [{name: row[name] for name in (*short, "created_at")} for row in rows]


def _show(deployment: Deployment, options: argparse.Namespace) -> Any:
    client = find_client(deployment, options.client_id)
    if not options.framework:
        return client_row(client)
    framework.check_fits(client, options.framework)
    issuer = deployment.settings.issuer
    lines = [*framework.describe(client, options.framework, issuer), ""]
    lines += framework.name_project(client, options.framework, issuer)
    return Summary(client_row(client), text="\n".join(lines).rstrip())


def remove_client(deployment: Deployment, options: argparse.Namespace) -> Any:
    """Disable it first, and remove it last: a repeated command finishes what a killed one began.

    Raises OperationError.
    """
    switch_client(deployment, options.client_id, disabled=True)
    broker = find_broker(deployment)
    ended = end_client(deployment, broker, options.client_id)
    delete_client(deployment, options.client_id)
    return {"client_id": options.client_id, "deleted": True, "connections": ended_rows(broker, ended)}


def _rotate(deployment: Deployment, options: argparse.Namespace) -> Any:
    if options.overlap < 0:
        raise OperationError("--overlap may not be negative", "--overlap 0 expires the old secret at once")
    client, secret = rotate_client_secret(deployment, options.client_id, overlap_seconds=options.overlap)
    return {"client_id": client.client_id, "client_secret": secret, "secrets": client_row(client)["secrets"]}
