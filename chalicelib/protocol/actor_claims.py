"""Actors and source tokens in the broker's access tokens (RFC 8693 section 4).

An actor is a registered client, named only by `sub`; `act` inside it names the previous actor. Any other form is
rejected, never ignored. `client_id` is the holder of the token, `grant_client_id` the client that the user allowed.
Without an actor both are the same, and the second is omitted.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.protocol.errors import InvalidRequest, InvalidToken

Claims = Mapping[str, Any]
CHAIN = frozenset({"act", "may_act"})
MAX_ACTORS = 3
MAX_ANCESTORS = 8


def read_actors(claims: Claims) -> tuple[str, ...]:
    """The clients that act, who has the token first; empty where that is the app itself. Raises InvalidToken."""
    actors: list[str] = []
    outer: Claims = claims
    while "act" in outer:
        act = outer["act"]
        if not isinstance(act, dict) or not isinstance(act.get("sub"), str) or not act.keys() <= {"sub", "act"}:
            raise InvalidToken("actor_malformed")
        actors.append(act["sub"])
        outer = act
    if len(actors) > MAX_ACTORS or (actors and actors[0] != claims["client_id"]):
        raise InvalidToken("actor_malformed")
    return tuple(actors)


def whose_grant(claims: Claims) -> str:
    """The client that the user allowed. Raises InvalidToken."""
    told = claims.get("grant_client_id", claims["client_id"])
    if not isinstance(told, str) or ("act" in claims) != ("grant_client_id" in claims):
        raise InvalidToken("actor_malformed")
    return told


def read_ancestors(claims: Claims) -> tuple[str, ...]:
    """`jti` of every token that this one came from: what is revoked takes with it what was made of it.

    Raises InvalidToken.
    """
    told = claims.get("derived_from", [])
    if not isinstance(told, list) or not all(isinstance(one, str) and one for one in told):
        raise InvalidToken("ancestors_malformed")
    return tuple(told)


def check_may_act(claims: Claims, client_id: str, *, issuer: str) -> None:
    """Where a token says who may act, nobody else does (RFC 8693 section 4.4). Raises InvalidRequest."""
    if "may_act" not in claims:
        return
    told = claims["may_act"]
    named = {"iss": issuer, "sub": client_id, "client_id": client_id}
    if not isinstance(told, dict) or not told.keys() & {"sub", "client_id"}:
        raise InvalidRequest("may_act_names_another")
    if any(name not in named or value != named[name] for name, value in told.items()):
        raise InvalidRequest("may_act_names_another")


def derived_claims(subject: Claims, *others: Claims) -> dict[str, Any]:
    """What a token says of those that it was made of: `subject`, and what came beside it. Raises InvalidRequest."""
    ancestors = [*read_ancestors(subject), subject["jti"], *(claims["jti"] for claims in others)]
    if len(ancestors) > MAX_ANCESTORS:
        raise InvalidRequest("exchanged_too_often")
    return {"derived_from": ancestors}


def acting_claims(subject: Claims, actor: Claims) -> dict[str, Any]:
    """What a token says by which the actor acts; who has acted before stands within, and who may act stays said.

    Raises InvalidRequest: one actor too many.
    """
    if len(read_actors(subject)) >= MAX_ACTORS:
        raise InvalidRequest("too_many_actors")
    act = {"sub": actor["client_id"], **({"act": subject["act"]} if "act" in subject else {})}
    kept = {name: subject[name] for name in ("may_act",) if name in subject}
    named = {"client_id": actor["client_id"], "grant_client_id": whose_grant(subject)}
    return {**kept, **named, "act": act, **derived_claims(subject, actor)}
