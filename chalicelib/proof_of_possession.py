"""Proof of possession: each proof is used once, and a bound token needs a proof by its key (RFC 9449).

A proof is consumed after the checks that can refuse, and before the step that redeems. So a refused request costs no
write, and an accepted one takes effect once.
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
    """Consume a proof and return its key's thumbprint; None, without a call, if the request has no proof.

    Raises `refusal` if the proof was used before, in this or another process.
    """
    if proof is None:
        return None
    claimed = broker.store.claim_once(proof.mark, now=broker.clock.now(), expires_at=proof.expires_at)
    if isinstance(claimed, Refused):
        raise refusal("proof_used_before")
    return proof.jkt


def check_token_binding(claims: Mapping[str, Any], jkt: str | None, *, bound_alone: bool) -> None:
    """A bound token needs a proof by its key. The broker knows no other kind of constraint and rejects it.

    jkt           of the proof in the request; None: there is no proof
    bound_alone   the proof is for this token, so the token must be bound

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
    """The key thumbprint of a bound token (RFC 9449 section 6.1). Raises InvalidToken for any other constraint."""
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"} or not isinstance(confirmation["jkt"], str):
        raise InvalidToken("constraint_not_known_here")
    return confirmation["jkt"]
