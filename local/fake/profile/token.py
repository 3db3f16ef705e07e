"""The token endpoint of a provider file, and the addresses that do as it does: what each asks for."""

from dataclasses import dataclass

from local.fake.grants import Client, Family, Refused
from local.fake.profile.credentials import Unauthenticated, authenticate, read_parameters
from local.fake.profile.places import is_at
from local.fake.profile.profile_state import ProfileState
from local.fake.profile.shape import shape_refusal, shape_tokens
from local.fake.token_endpoint import write_tokens
from local.fake.web import Answer, Received


@dataclass(frozen=True)
class Step:
    """One kind of request to one address.

    name       code, exchange or refresh
    sends_client   the client proves itself; else what it presents is proof enough
    """

    name: str
    url: str
    method: str
    parameters: dict[str, str]
    sends_client: bool


def answer(player: ProfileState, received: Received) -> Answer:
    """Codes and refresh tokens for tokens."""
    definition, faults = player.definition, player.faults
    parameters = read_parameters(received, body=definition.token.body)
    step = find_step(player, received, parameters)
    try:
        client = _authenticate(player, received, parameters, step)
    except Unauthenticated as error:
        return refuse(player, received, "invalid_client", str(error), 401)
    if faults.token_error:
        return refuse(player, received, faults.token_error, "Switched on at /_control.")
    if step is None:
        return refuse(player, received, "unsupported_grant_type", "No such grant_type at this address.")
    if why := _find_error(player, received, parameters, step):
        return refuse(player, received, "invalid_request", why)
    try:
        with player.grants.lock:
            family = _find_family(player, client, parameters, step)
            given = player.grants.issue(family)
    except Refused as refused:
        return refuse(player, received, refused.code, "The provider refuses.")
    return write_tokens(shape_tokens(player, received, family, given), received, faults)


def find_step(player: ProfileState, received: Received, parameters: dict[str, str]) -> Step | None:
    """Which of the file's requests this is, by grant type and address."""
    definition, places = player.definition, player.places
    grant_type, refresh, exchange = parameters.get("grant_type"), definition.refresh, definition.exchange

    def at(url: str | None) -> bool:
        return is_at(url, received.host, received.path)

    if grant_type == "authorization_code" and at(places.token):
        return Step("code", places.token, definition.token.method, definition.token.parameters, True)
    if exchange and grant_type == exchange.grant_type and at(exchange.endpoint):
        return Step("exchange", exchange.endpoint, exchange.method, exchange.parameters, exchange.sends_client)
    if refresh.kind != "none" and grant_type == refresh.grant_type and at(places.refresh):
        return Step("refresh", places.refresh, refresh.method, refresh.parameters, refresh.sends_client)
    return None


def _authenticate(player: ProfileState, received: Received, parameters: dict[str, str], step: Step | None) -> Client:
    if step is None or step.sends_client:
        return authenticate(player, received, parameters, player.definition.token_endpoint_auth_method)
    if {"client_secret", "client_assertion"} & parameters.keys() or "authorization" in received.headers:
        raise Unauthenticated("no secret is wanted here")
    presented = parameters.get(_presents(player, step), "")
    owner = player.grants.client_of(presented)
    if owner is None:
        raise Unauthenticated("what was presented belongs to no app")
    return owner


def _find_error(player: ProfileState, received: Received, parameters: dict[str, str], step: Step) -> str | None:
    if received.method != step.method:
        return f"the method must be {step.method}"
    wanted = {name.lower(): value for name, value in player.definition.token.headers.items()}
    if any(received.headers.get(name) != value for name, value in wanted.items()):
        return f"these headers are wanted: {', '.join(wanted)}"
    for name, value in step.parameters.items():
        if parameters.get(name) != value:
            return f"{name} must be {value}"
    return None


def _presents(player: ProfileState, step: Step) -> str:
    exchange = player.definition.exchange
    return (
        exchange.token_parameter if exchange and step.name == "exchange" else player.definition.refresh.token_parameter
    )


def _find_family(player: ProfileState, client: Client, parameters: dict[str, str], step: Step) -> Family:
    definition, grants = player.definition, player.grants
    if step.name == "code":
        return grants.redeem(client, parameters, ends_older=definition.new_grant_ends_old)
    presented = parameters.get(_presents(player, step), "")
    if step.name == "exchange":
        family = grants.swap(client, presented)
        family.lifetime = player.long_life
        return family
    if definition.refresh.kind == "swap":
        return grants.swap(client, presented)
    family = grants.refresh(client, presented)
    if definition.refresh.sends_redirect_uri and parameters.get("redirect_uri") != family.redirect_uri:
        raise Refused("invalid_request")
    if definition.refresh.sends_scope and not parameters.get("scope"):
        raise Refused("invalid_scope")
    return family


def refuse(player: ProfileState, received: Received, code: str, why: str, status: int = 400) -> Answer:
    """An error in the provider's own word, with the status of a good answer where a member says what failed."""
    rules, faults = player.definition.token, player.faults
    as_200 = faults.errors_as_200 or rules.success_member is not None
    status = 200 if as_200 else faults.error_status or status
    return write_tokens(shape_refusal(player, code, why), received, faults, status)
