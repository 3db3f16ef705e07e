"""`--proxy-allow "github GET,HEAD /user"`: allows one kind of call through the proxy."""

from chalicelib.protocol.errors import InvalidRequest
from chalicelib.providers.catalog import Catalog
from chalicelib.records.client import ProxyRule
from chalicelib.upstream.proxy_path import parse_path
from chalicelib.upstream.proxy_request import METHODS
from cli.deployment.operations import OperationError

HELP = (
    'calls that it may make through the proxy, as "PROVIDER METHODS PATH [SCOPE]": "github GET /user", '
    '"google GET,POST gmail.googleapis.com/gmail/v1"; with a scope, "github POST /gists gist", only if the grant '
    "has it; may repeat; default: all"
)
_EXAMPLE = '--proxy-allow "github GET /user"'


def parse_rules(texts: list[str], catalog: Catalog) -> tuple[ProxyRule, ...]:
    """Parse the typed rules. Raises OperationError."""
    return tuple(_parse_rule(text, catalog) for text in texts)


def show_rule(rule: ProxyRule) -> str:
    """As it is typed."""
    methods = ",".join(sorted(rule.methods)) or "*"
    return f"{rule.provider_id} {methods} {rule.host}{rule.path_prefix} {rule.scope}".rstrip()


def _parse_rule(text: str, catalog: Catalog) -> ProxyRule:
    provider_id, methods, place, scope, *more = (*text.split(), "", "", "", "")
    if not place or any(more):
        raise OperationError(f"{text!r} is not a rule: give three words, or four with a scope", _EXAMPLE)
    definition = catalog.get(provider_id)
    if definition is None or definition.api is None:
        raise OperationError(f"no provider {provider_id} has an API", "broker provider list")
    host, _, path = place.partition("/")
    if host and host not in definition.api.hosts:
        known = ", ".join(definition.api.hosts) or "only the host of its base_url"
        raise OperationError(f"{host} is not among the hosts of {provider_id}: {known}", _EXAMPLE)
    if scope and scope not in definition.scopes:
        raise OperationError(f"{scope} is not among the scopes of {provider_id}", f"broker provider show {provider_id}")
    return ProxyRule(
        provider_id=provider_id,
        methods=_parse_methods(methods),
        path_prefix=_parse_prefix(path),
        host=host,
        scope=scope,
    )


def _parse_methods(text: str) -> frozenset[str]:
    methods = frozenset(() if text == "*" else text.split(","))
    if not methods <= frozenset(METHODS):
        raise OperationError(f"{text} is not a list of methods", f"{', '.join(METHODS)}, or * for all")
    return methods


def _parse_prefix(path: str) -> str:
    """Check the prefix like the path of a call: a prefix that no call can have would silently refuse every call."""
    if not path:
        return "/"
    try:
        parse_path(path)
    except InvalidRequest:
        raise OperationError(f"/{path} is not a path that can be called", _EXAMPLE) from None
    if "%" in path:
        raise OperationError(f"/{path} must not contain percent signs", _EXAMPLE)
    return f"/{path}"
