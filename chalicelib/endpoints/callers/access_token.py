"""Reads a request's access token, alone or with a proof by its key (RFC 6750 section 2.1, RFC 9449 section 7.1)."""

from chalicelib.access_token_check import PresentedToken
from chalicelib.ports import Broker
from chalicelib.protocol.ascii_text import lower, trim
from chalicelib.protocol.errors import InvalidDpopProof, NonceWanted, ProofRefused, TokenMissing, UseDpopNonce
from chalicelib.protocol.request import Request


def read_bearer(http: Request) -> str:
    """The token of the Authorization header, for endpoints that accept only Bearer. Raises TokenMissing."""
    scheme, _, token = (http.header("authorization") or "").partition(" ")
    if lower(scheme) != "bearer" or not trim(token):
        raise TokenMissing("bearer_missing")
    return trim(token)


def read_access_token(broker: Broker, http: Request, path: str) -> PresentedToken:
    """The access token of the Authorization header, and from nowhere else. Under the scheme Bearer a DPoP header is
    ignored: it must not make a token valid that would be invalid without it.

    path   of this request, below the issuer, as the caller spelled it

    Raises TokenMissing, and InvalidDpopProof and UseDpopNonce in the form for an endpoint that takes a token (401).
    """
    scheme, _, rest = (http.header("authorization") or "").partition(" ")
    token, scheme = trim(rest), lower(scheme)
    if scheme not in ("bearer", "dpop") or not token:
        raise TokenMissing("access_token_missing")
    if scheme == "bearer":
        return PresentedToken(token=token)
    from chalicelib.endpoints.callers.dpop_proof import read_proof

    try:
        return PresentedToken(token=token, proof=read_proof(broker, http, path, access_token=token))
    except UseDpopNonce as error:
        raise NonceWanted(error.reason).because_of(error) from None
    except InvalidDpopProof as error:
        raise ProofRefused(error.reason).because_of(error) from None
