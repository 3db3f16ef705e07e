"""The token endpoint of a provider file: what it asks for, and where its answers have what."""

from typing import TYPE_CHECKING, Any

from local.fake.asking import write_tokens
from local.fake.grants import Client, Family, Refused
from local.fake.id_token import build_id_token, profile_claims
from local.fake.profile.credentials import Unauthenticated, authenticate, read_parameters
from local.fake.profile.paths import put
from local.fake.web import Answer, Received

if TYPE_CHECKING:
    from local.fake.profile.player import RunningProfile


def answer(player: "RunningProfile", received: Received) -> Answer:
    """Codes and refresh tokens for tokens."""
    definition, faults = player.definition, player.faults
    parameters = read_parameters(received, body=definition.token.body)
    try:
        client = authenticate(player, received, parameters, definition.token_endpoint_auth_method)
    except Unauthenticated as error:
        return refuse(player, received, "invalid_client", str(error), 401)
    if faults.token_error:
        return refuse(player, received, faults.token_error, "Switched on at /_control.")
    wanted = {name.lower(): value for name, value in definition.token.headers.items()}
    if any(received.headers.get(name) != value for name, value in wanted.items()):
        return refuse(player, received, "invalid_request", f"these headers are wanted: {', '.join(wanted)}")
    try:
        with player.grants.lock:
            family = _find_family(player, client, parameters)
            given = player.grants.issue(family)
    except Refused as refused:
        return refuse(player, received, refused.code, "The provider refuses.")
    return write_tokens(shape(player, received, family, given), received, faults)


def _find_family(player: "RunningProfile", client: Client, parameters: dict[str, str]) -> Family:
    definition, grants = player.definition, player.grants
    match parameters.get("grant_type"):
        case "authorization_code":
            return grants.redeem(client, parameters, ends_older=definition.new_grant_ends_old)
        case "refresh_token" if definition.refresh.kind != "none":
            family = grants.refresh(client, parameters.get("refresh_token", ""))
            if definition.refresh.sends_redirect_uri and parameters.get("redirect_uri") != family.redirect_uri:
                raise Refused("invalid_request")
            if definition.refresh.sends_scope and not parameters.get("scope"):
                raise Refused("invalid_scope")
            return family
    raise Refused("unsupported_grant_type")


def shape(player: "RunningProfile", received: Received, family: Family, given: dict[str, object]) -> dict[str, object]:
    """The members of a good answer, each where the file reads it."""
    rules, faults = player.definition.token, player.faults
    document: dict[str, Any] = {"token_type": given["token_type"]}
    if rules.success_member:
        put(document, rules.success_member, True)
    paths = {"access_token": rules.access_token_path, "refresh_token": rules.refresh_token_path}
    paths["expires_in"] = rules.expires_in_path
    for name, path in paths.items():
        if name in given:
            put(document, path, given[name])
    if "scope" in given:
        put(document, rules.scope_path, _write_scope(player, family))
    if family.openid and not faults.drop_id_token:
        put(document, rules.id_token_path, _id_token(player, received, family))
    return {faults.nested: document} if faults.nested else document


def _write_scope(player: "RunningProfile", family: Family) -> str | list[str]:
    faults, separator = player.faults, player.definition.token.scope_separator
    if faults.scope_said is not None:
        return faults.scope_said
    return sorted(family.scopes) if faults.scope_as_list else separator.join(sorted(family.scopes))


def _id_token(player: "RunningProfile", received: Received, family: Family) -> str:
    return build_id_token(
        family,
        player.faults,
        player.keys,
        issuer=player.here(player.places.issuer, received),
        now=int(player.grants.now()),
        claims=profile_claims(family, player.faults),
        algorithm=player.algorithm,
    )


def refuse(player: "RunningProfile", received: Received, code: str, why: str, status: int = 400) -> Answer:
    """An error in the provider's own word, with the status of a good answer where a member says what failed."""
    rules, faults = player.definition.token, player.faults
    word = next((own for own, registered in rules.errors.items() if registered == code), code)
    document: dict[str, Any] = {"error_description": why}
    if rules.success_member:
        put(document, rules.success_member, False)
    put(document, rules.error_path, word)
    as_200 = faults.errors_as_200 or rules.success_member is not None
    return write_tokens(document, received, faults, 200 if as_200 else faults.error_status or status)
