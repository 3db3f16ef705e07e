"""Who holds the key: a proof of possession is used up, and a bound token goes with a proof by its key (RFC 9449).

A proof is used up after the checks that could refuse and before whatever redeems, so that what is wrong costs nothing
and what is right happens once.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from chalicelib.ports import Broker, Refused
from chalicelib.protocol.dpop_result import Proof
from chalicelib.protocol.errors import BoundToken, InvalidDpopProof, InvalidToken


def consume_proof(
    broker: Broker, proof: Proof | None, *, refusal: type[InvalidDpopProof] = InvalidDpopProof
) -> str | None:
    """The key of a proof, once; None where none was sent, without any call.

    Raises `refusal`: it has been used before, here or in another process.
    """
    if proof is None:
        return None
    claimed = broker.store.claim_once(proof.mark, now=broker.clock.now(), expires_at=proof.expires_at)
    if isinstance(claimed, Refused):
        raise refusal("proof_used_before")
    return proof.jkt


def check_token_binding(claims: Mapping[str, Any], jkt: str | None, *, bound_alone: bool) -> None:
    """A token that is bound to a key needs a proof by it; another constraint than a key is none that we could check.

    jkt           of the proof that came with the token; None: there was none
    bound_alone   the proof is there for the token, which then has to be bound

    Raises InvalidToken.
    """
    if "cnf" not in claims:
        if jkt is not None and bound_alone:
            raise InvalidToken("token_not_bound")
        return
    bound_to = read_confirmation(claims)
    if jkt is None:
        raise BoundToken("bound_token_without_proof")
    if not hmac.compare_digest(bound_to.encode(), jkt.encode()):
        raise InvalidToken("proof_by_another_key")


def read_confirmation(claims: Mapping[str, Any]) -> str:
    """The thumbprint to which a token is bound (RFC 9449 section 6.1). Raises InvalidToken for any other constraint."""
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"} or not isinstance(confirmation["jkt"], str):
        raise InvalidToken("constraint_not_known_here")
    return confirmation["jkt"]
