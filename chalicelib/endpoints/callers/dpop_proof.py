"""Checks the DPoP header of a request against the configured URL (RFC 9449 sections 4.3, 8 and 9).

This module and the check behind it are imported only for a request that has a proof.
"""

from chalicelib.ports import Broker
from chalicelib.protocol.dpop import build_nonce, check_proof, is_nonce_fresh
from chalicelib.protocol.dpop_result import Proof
from chalicelib.protocol.errors import UseDpopNonce
from chalicelib.protocol.request import Request
from chalicelib.protocol.supported import supported


def read_proof(broker: Broker, http: Request, path: str, *, access_token: str | None = None) -> Proof:
    """The proof of this request, checked but not consumed.

    path           below the issuer, as the caller spelled it
    access_token   that the request presents with it; None at the token endpoint

    Raises InvalidDpopProof, UseDpopNonce.
    """
    settings, now = broker.settings, broker.clock.now()
    proof = check_proof(
        http.header("dpop") or "",
        method=http.method,
        url=settings.issuer + path,
        now=now,
        access_token=access_token,
        algorithms=supported(settings).proof_algorithms,
    )
    if proof.nonce is None and settings.dpop_nonce == "optional":
        return proof
    keys = broker.keys.get("nonce")
    if proof.nonce is None or not is_nonce_fresh(proof.nonce, keys, epoch=settings.epoch, now=now):
        raise UseDpopNonce("nonce_missing_or_not_fresh")
    return proof


def fresh_nonce(broker: Broker) -> str:
    """A nonce for the next proof."""
    return build_nonce(broker.keys.get("nonce"), epoch=broker.settings.epoch, now=broker.clock.now())
