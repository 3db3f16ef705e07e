"""Sign-ins that stand just before our callback, and browsers that arrive there at one moment at either broker."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from chalicelib.endpoints.authorization.provider_redirect import redirect_to_provider
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.protocol.pkce import s256
from chalicelib.protocol.request import Request
from chalicelib.records.sign_in import AuthorizationRequest
from local.fake.provider import RunningProvider
from tests.concurrency.races.arena import REDIRECT, SCOPES, Arena, Ticket
from tests.kit.http.browser import Answer, request


@dataclass(frozen=True)
class Trip:
    """Path and query of our callback, the cookie of the browser that decided, and what the app will send."""

    target: str
    cookie: str
    grant_id: str
    verifier: str

    def ticket(self, code: str) -> Ticket:
        """The same, once the app has a code."""
        return Ticket(self.grant_id, code, self.verifier)


def travel(arena: Arena, provider: RunningProvider, who: str = "alice") -> Trip:
    """Decide, go to the provider, sign in there; the way back is not walked yet."""
    broker, verifier = arena.broker, "v" * 43
    grant_id = broker.entropy.token_bytes(16).hex()
    asked = AuthorizationRequest(
        client_id=arena.client.client_id, redirect_uri=REDIRECT, scopes=SCOPES, code_challenge=s256(verifier), state="s"
    )
    url, cookies = redirect_to_provider(
        broker, Request(method="POST"), asked, load_client_context(broker, asked.client_id), provider_id="demo",
        allowed=SCOPES, grant_id=grant_id, decided_by="page",
    )  # fmt: skip
    back = urlsplit(provider.sign_in(url, who))
    return Trip(f"{back.path}?{back.query}", cookies[0][1].partition(";")[0], grant_id, verifier)


def arrive(url: str, arena: Arena, trip: Trip, *, cookie: bool = True) -> Answer:
    """GET the callback at one broker, under the issuer's name."""
    headers = {"Host": urlsplit(arena.issuer).netloc, **({"Cookie": trip.cookie} if cookie else {})}
    return request(urlsplit(url).netloc, "GET", trip.target, headers=headers)


def arrive_together(urls: Sequence[str], arena: Arena, trip: Trip, count: int) -> list[Answer]:
    """The same callback `count` times at one moment, spread over the brokers."""
    gate = threading.Barrier(count)

    def one(number: int) -> Answer:
        gate.wait(30)
        return arrive(urls[number % len(urls)], arena, trip)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))
