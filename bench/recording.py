"""What a step does that its fixed parts have to do too: its calls to AWS and to the provider, and its signatures."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from bench.calls import Call
from bench.signatures import Signed
from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher
from chalicelib.protocol import own_jwt, provider_id_token
from chalicelib.upstream.http import HttpRequest


@dataclass
class Recorded:
    """One step, in order."""

    calls: list[Call] = field(default_factory=list)
    fetches: list[HttpRequest] = field(default_factory=list)
    signatures: list[Signed] = field(default_factory=list)


@contextmanager
def recording() -> Iterator[Recorded]:
    """Write down what is done inside. Never around what is measured."""
    recorded = Recorded()
    with (
        patch.object(SignedTransport, "call", _calling(recorded)),
        patch.object(GuardedFetcher, "fetch", _fetching(recorded)),
        patch.object(own_jwt, "sign", _signing(recorded)),
        patch.object(own_jwt, "verify_own", _verifying(recorded, own_jwt.verify_own)),
        patch(
            "chalicelib.upstream.id_token.verify_provider_id_token",
            _verifying(recorded, provider_id_token.verify_provider_id_token),
        ),
    ):
        yield recorded


def _calling(recorded: Recorded) -> Any:
    real = SignedTransport.call

    def call(self: SignedTransport, operation: str, payload: Any) -> Any:
        recorded.calls.append(Call(operation, copy.deepcopy(dict(payload))))
        return real(self, operation, payload)

    return call


def _fetching(recorded: Recorded) -> Any:
    real = GuardedFetcher.fetch

    def fetch(self: GuardedFetcher, request: HttpRequest, **more: Any) -> Any:
        recorded.fetches.append(request)
        return real(self, request, **more)

    return fetch


def _signing(recorded: Recorded) -> Any:
    real = own_jwt.sign

    def sign(claims: Any, *, key: Any, typ: str) -> str:
        recorded.signatures.append(Signed(dict(claims), typ, made=True))
        return real(claims, key=key, typ=typ)

    return sign


def _verifying(recorded: Recorded, real: Any) -> Any:
    def verify(token: str, **more: Any) -> Any:
        claims = real(token, **more)
        recorded.signatures.append(Signed(dict(claims), str(more.get("typ", "JWT")), made=False))
        return claims

    return verify
