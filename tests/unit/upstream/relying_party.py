"""The broker as a client of one provider, with everything that one sign-in needs."""

import time
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher
from chalicelib.adapters.http.provider_directory import ProviderDirectory
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.authorization import build_authorization_url
from chalicelib.upstream.callback import check_callback_code, check_callback_issuer
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.id_token import read_id_token, unverified_kid
from chalicelib.upstream.identity import Identity, build_userinfo_requests, read_identity
from chalicelib.upstream.token import ProviderTokens, build_token_request, read_token_response

CALLBACK = "https://broker.example/callback/x"
SECRET = "shared secret: with/odd+characters"
VERIFIER = "an-unguessable-verifier-of-43-characters-ab"


class Clock:
    """The real time, which the provider stamps its tokens with, and how far we are ahead of it."""

    ahead = 0

    def now(self) -> int:
        return int(time.time()) + self.ahead


class Relying(Struct, frozen=True, kw_only=True):
    """Us as a client of one provider, with everything that one sign-in needs."""

    provider: object
    definition: ProviderDefinition
    endpoints: Endpoints
    fetcher: GuardedFetcher
    directory: ProviderDirectory
    clock: Clock
    secret: str = SECRET

    def authorize(self, scopes: frozenset[str] = frozenset(), *, decision: str = "alice") -> dict[str, str]:
        """Send the browser there; the parameters that it brings back."""
        url = build_authorization_url(
            self.definition,
            self.endpoints,
            client_id="broker",
            redirect_uri=CALLBACK,
            scopes=scopes,
            state="state-1",
            nonce="nonce-1",
            code_verifier=VERIFIER,
        )
        return dict(parse_qsl(urlsplit(self.provider.sign_in(url, decision)).query))

    def exchange(
        self, callback: dict[str, str], scopes: frozenset[str] = frozenset(), **changed: str
    ) -> ProviderTokens:
        """Check the callback and redeem its code."""
        assert callback.get("state") == "state-1"
        check_callback_issuer(self.endpoints, callback.get("iss"))
        values = {
            "client_id": "broker",
            "client_secret": self.secret,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        code = check_callback_code(callback.get("code"))
        request = build_token_request(self.definition, self.endpoints, code=code, **{**values, **changed})
        return read_token_response(
            self.definition, self.fetcher.fetch(request, timeout_seconds=2), requested=scopes, now=Clock().now()
        )

    def identify(self, tokens: ProviderTokens) -> Identity:
        """Verify and ask who it is."""
        claims = None
        if self.definition.is_openid:
            kid = unverified_kid(tokens.id_token or "")
            jwks = self.directory.jwks(self.definition, self.endpoints, kid)
            claims = read_id_token(
                self.definition,
                self.endpoints,
                tokens.id_token,
                jwks=jwks,
                client_id="broker",
                nonce="nonce-1",
                now=Clock().now(),
            )
        requests = build_userinfo_requests(self.definition, self.endpoints, tokens.access_token, client_id="broker")
        return read_identity(
            self.definition, tuple(self.fetcher.fetch(each) for each in requests), claims, tokens.answer
        )


def relying(provider, definition, *targets) -> Relying:
    fetcher = GuardedFetcher(allow=targets)
    clock = Clock()
    directory = ProviderDirectory(fetcher, clock)
    endpoints = directory.endpoints(definition, provider.url)
    return Relying(
        provider=provider, definition=definition, endpoints=endpoints, fetcher=fetcher, directory=directory, clock=clock
    )
