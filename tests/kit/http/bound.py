"""An app that holds a key, and what it gets with proofs by it."""

from dataclasses import dataclass, field
from typing import Any

from tests.kit.http.browser import Answer, request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session
from tests.kit.jose.proofs import ProofKey


@dataclass
class Holder:
    """Proves that it holds its key, at the stack's time."""

    stack: Stack
    key: ProofKey = field(default_factory=ProofKey)

    def prove(self, method: str = "POST", path: str = "/token", **more: Any) -> str:
        """A proof for one request."""
        claims = {"now": self.stack.clock.now(), **more}
        return self.key.prove(method, self.stack.settings.issuer + path, **claims)

    def proof(self, **more: Any) -> dict[str, str]:
        """The header of a token request."""
        return {"DPoP": self.prove(**more)}

    def use(self, token: str, path: str = "/userinfo", *, method: str = "GET", **sent: Any) -> Answer:
        """Use an access token with a proof; `scheme`, `proof`, `body` and `headers` may be something else."""
        scheme, headers, body = (sent.pop(n, d) for n, d in (("scheme", "DPoP"), ("headers", {}), ("body", None)))
        proof = sent.pop("proof", None) or self.prove(method, path.partition("?")[0], token=token, **sent)
        more = {"Authorization": f"{scheme} {token}", "DPoP": proof, **headers}
        return request(self.stack.netloc, method, path, body=body, headers=more)


@dataclass
class Bound(Session):
    """A sign-in whose code was redeemed with a proof."""

    holder: Holder = None  # type: ignore[assignment]

    def refresh(self, token: str | None = None, **changed: Any) -> Answer:
        """With a proof by its key, unless said."""
        return super().refresh(token, **{"headers": self.holder.proof(), **changed})

    def exchange(self, token: str | None = None, **changed: Any) -> Answer:
        """With a proof by its key, unless said."""
        return super().exchange(token, **{"headers": self.holder.proof(), **changed})

    def use(self, path: str = "/userinfo", **sent: Any) -> Answer:
        """Its own access token."""
        return self.holder.use(self.access, path, **sent)


def start_bound(stack: Stack, *, holder: Holder | None = None, **fields: Any) -> Bound:
    """Register, sign in, redeem with a proof."""
    holder = holder or Holder(stack)
    sign_in = stack.sign_in(*stack.client(**fields))
    answer = stack.redeem(sign_in, headers=holder.proof())  # type: ignore[arg-type]
    assert answer.status == 200, answer.body
    return Bound(stack, sign_in, answer.json, holder)
