"""What every token request may ask beside its grant."""

from msgspec import Struct

from chalicelib.ports import Broker
from chalicelib.protocol.dpop_result import Proof
from chalicelib.protocol.errors import InvalidTarget
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.scope import parse_scope

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class TokenRequest(Struct, frozen=True, kw_only=True):
    """Parsed once by the shared steps.

    now         when the client was authenticated; the whole request is decided at this moment
    scopes      empty: all of the grant's
    audience    our issuer or a resource; None: the grant's own
    proof       of a key, checked and not consumed: `consume_proof` returns the key, right before the redemption
    """

    now: int
    scopes: frozenset[str]
    audience: str | None
    proof: Proof | None = None

    def resource(self, issuer: str) -> str | None:
        """The asked audience where it is not our issuer; it must then be one of the grant's."""
        return self.audience if self.audience != issuer else None


def parse_token_request(parameters: Parameters, proof: Proof | None = None, *, now: int) -> TokenRequest:
    """Scope and resource of a token request, and its proof; a token has exactly one audience.

    Raises InvalidScope, InvalidTarget.
    """
    resources = parameters.all("resource")
    if len(resources) > 1:
        raise InvalidTarget("two_resources")
    audience = resources[0] if resources else None
    return TokenRequest(now=now, scopes=parse_scope(parameters.get("scope")), audience=audience, proof=proof)


def audience_uri(broker: Broker, asked: TokenRequest, granted: tuple[str, ...]) -> str:
    """The one audience: asked, else the one named at /authorize, else our issuer."""
    return asked.audience or (granted[0] if granted else broker.settings.issuer)
