"""A client of the FAPI 2.0 Security Profile: private_key_jwt, pushed requests, PKCE, tokens bound to a key by DPoP."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import joserfc.jwt

from chalicelib.records.client import Client
from tests.interop.conformance.party import SCOPE, VERIFIER, Party, Way
from tests.kit.http.assertions import KEY, ClientKey, as_form, good_claims, new_key, sign
from tests.kit.http.browser import FORM, Answer, Browser, request
from tests.kit.http.stack import APP, Stack, challenge
from tests.kit.jose.proofs import ProofKey

FIELDS: dict[str, Any] = {"require_pushed_authorization_requests": True, "dpop_bound_access_tokens": True}


@dataclass
class FapiParty:
    """The suite's `client` or, with another key, its `client2`.

    key     by which it proves who it is, at every endpoint
    proof   by which it proves that it holds its tokens
    """

    stack: Stack
    key: ClientKey = KEY
    proof: ProofKey = field(default_factory=ProofKey)
    party: Party = field(init=False)

    def __post_init__(self) -> None:
        jwks = (self.key.public,)
        self.party = Party(self.stack, "private_key_jwt", {**FIELDS, "jwks": jwks})

    @property
    def client(self) -> Client:
        """As it is registered."""
        return self.party.client

    @property
    def issuer(self) -> str:
        """The broker's name."""
        return self.stack.settings.issuer

    def other(self) -> "FapiParty":
        """The second client, with keys of its own."""
        return FapiParty(self.stack, new_key())

    def assertion(self, **claims: Any) -> dict[str, str]:
        """A proof of who it is; `claims` are laid over the good ones, None takes one out."""
        good = good_claims(self.issuer, self.client.client_id, self.stack.clock.now())
        return as_form(sign({name: value for name, value in {**good, **claims}.items() if value is not None}, self.key))

    def dpop(self, path: str, method: str = "POST", **claims: Any) -> str:
        """A proof for one request there."""
        return self.proof.prove(method, self.issuer + path, now=self.stack.clock.now(), **claims)

    def post(self, path: str, form: dict[str, str | None], *, dpop: str | None, asserted: Any = None) -> Answer:
        """POST a form with this proof (or none) and, unless another is given, a fresh assertion."""
        who = self.assertion() if asserted is None else asserted
        fields = {name: value for name, value in {**form, **who}.items() if value is not None}
        headers = {"Content-Type": FORM, **({} if dpop is None else {"DPoP": dpop})}
        return request(self.stack.netloc, "POST", path, body=urlencode(fields), headers=headers)

    def push(self, *, dpop: str | None = None, asserted: Any = None, **changed: str | None) -> Answer:
        """A right request, pushed."""
        standard: dict[str, str | None] = {"scope": SCOPE, "code_challenge": challenge(VERIFIER), "client_id": None}
        form = self.stack.authorize_parameters(self.client, **{**standard, **changed})
        return self.post("/par", dict(form), dpop=dpop, asserted=asserted)

    def follow(self, pushed: Answer, *, who: str = "alice", **more: str) -> Way:
        """A browser brings the reference, and its user is willing (or is `who` says)."""
        assert pushed.status == 201, pushed.body
        asked = {"client_id": self.client.client_id, "request_uri": pushed.json["request_uri"], **more}
        self.party.browser = Browser(self.stack.netloc)
        return self.party.follow(asked, who=who)

    def redeem(self, code: str, *, dpop: str | None = "", asserted: Any = None, **changed: str | None) -> Answer:
        """Exchange a code; the empty proof stands for a right one."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP, "code_verifier": VERIFIER}
        proof = self.dpop("/token") if dpop == "" else dpop
        return self.post("/token", {**form, **changed}, dpop=proof, asserted=asserted)

    def refresh(self, token: str, *, dpop: str | None = "", asserted: Any = None) -> Answer:
        """Use a refresh token; the empty proof stands for a right one."""
        proof = self.dpop("/token") if dpop == "" else dpop
        form: dict[str, str | None] = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post("/token", form, dpop=proof, asserted=asserted)

    def sign_in(self, **changed: str | None) -> dict[str, Any]:
        """The whole way; the token endpoint's answer."""
        way = self.follow(self.push(**changed))
        answer = self.redeem(way.answered["code"])
        assert answer.status == 200, answer.body
        tokens: dict[str, Any] = answer.json
        return tokens

    def call(self, token: str, *, scheme: str = "DPoP", **claims: Any) -> Answer:
        """The resource of these tests is our own userinfo endpoint."""
        proof = self.dpop("/userinfo", "GET", token=token, **claims)
        headers = {"Authorization": f"{scheme} {token}", "DPoP": proof}
        return request(self.stack.netloc, "GET", "/userinfo", headers=headers)

    def signed_otherwise(self, algorithm: str, claims: dict[str, Any]) -> str:
        """An assertion by another algorithm under the same kid."""
        other = new_key(algorithm, self.key.kid)
        return joserfc.jwt.encode(
            {"alg": algorithm, "kid": self.key.kid}, claims, other.private, algorithms=[algorithm]
        )
