"""One authorization server from outside: every document is fetched once, at first use."""

import base64
import hashlib
from urllib.parse import urljoin

from cli.doctor.checks import Skipped
from cli.doctor.server.answer import Answer, is_alike, sent_to, split
from cli.doctor.server.asking import NOBODY, NOWHERE, Asker, Unanswered, code_of_nobody
from cli.doctor.server.published import OAUTH, Published

RESOURCE = "/.well-known/oauth-protected-resource"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
STATE = "doctor-state"
MAX_HOPS = 3


class Server(Published):
    """One issuer.

    client_id, redirect_uri   of an app registered there: checks that need one are skipped without it
    """

    def __init__(self, issuer: str, asker: Asker, *, client_id: str = "", redirect_uri: str = "") -> None:
        super().__init__(issuer, asker)
        self._client_id, self._redirect_uri = client_id, redirect_uri

    def authorize(self, **changed: str | None) -> Answer:
        """A valid request of the registered app with these changes; None removes a parameter.

        Raises Skipped.
        """
        endpoint = self.endpoint("authorization_endpoint")
        if not (self._client_id and self._redirect_uri):
            raise Skipped("give --client-id and --redirect-uri of an app that is registered there")
        parameters = {**self._asked(self._client_id, self._redirect_uri), **changed}
        return self.asker.get(endpoint, {name: value for name, value in parameters.items() if value is not None})

    @property
    def stranger(self) -> Answer:
        """A request of an unregistered app. Raises Skipped."""
        endpoint = self.endpoint("authorization_endpoint")
        return self.asker.get(endpoint, self._asked(NOBODY, f"{NOWHERE}/callback"), origin=NOWHERE)

    @property
    def pages(self) -> list[Answer]:
        """The page of the authorization endpoint, also after redirects on its own host. Raises Skipped."""
        first = [self.stranger]
        if self._client_id and self._redirect_uri:
            first.append(self.authorize())
        shown = [answer for one in first for answer in self._walk(one)]
        return [answer for answer in shown if answer.is_page and not answer.is_redirect]

    def goes_on(self, **changed: str | None) -> bool:
        """Whether a changed request of the app leads the browser to the same page as a valid one.

        Raises Skipped, also if the valid one fails.
        """
        good, answer = self.authorize(), self.authorize(**changed)
        if self._is_refused(good):
            raise Skipped("the app's valid request is refused; check that --redirect-uri is registered")
        return not self._is_refused(answer) and is_alike(answer, good)

    @property
    def registered(self) -> str:
        """The redirect URI of the registered app. Raises Skipped."""
        self.authorize()
        return self._redirect_uri

    @property
    def refused(self) -> Answer:
        """The response of the token endpoint to an unknown client. Raises Skipped."""
        return self.asker.post_as_nobody(self.endpoint("token_endpoint"))

    @property
    def challenged(self) -> Answer:
        """The same with the client in the Authorization header. Raises Skipped."""
        return self.asker.post_as_nobody(self.endpoint("token_endpoint"), basic=True)

    def asked_in_query(self, method: str) -> Answer:
        """All parameters in the URL, none in the body. Raises Skipped."""
        endpoint = self.endpoint("token_endpoint")
        if method == "GET":
            return self.asker.get(endpoint, code_of_nobody())
        return self.asker.post_as_nobody(endpoint, code_of_nobody(), named=False)

    @property
    def empty(self) -> Answer:
        """The response of the token endpoint to an empty request. Raises Skipped."""
        return self.asker.post_as_nobody(self.endpoint("token_endpoint"), named=False)

    def userinfo(self, query: dict[str, str] | None = None) -> Answer:
        """Without a token. Raises Skipped."""
        return self.asker.get(self.endpoint("userinfo_endpoint"), query, origin=NOWHERE)

    @property
    def resource(self) -> Answer:
        """Its protected resource metadata (RFC 9728). Raises Skipped if there is none."""
        answer = self.asker.get(f"{self.root}{RESOURCE}{self.path}", origin=NOWHERE)
        if answer.status != 200:
            raise Skipped("the issuer is not a protected resource itself")
        return answer

    def over_plain_http(self) -> Answer | None:
        """The response on port 80; None if the port is closed. Raises Skipped."""
        parts = split(self.issuer)
        if parts.scheme != "https" or parts.port:
            raise Skipped("the issuer does not use port 443")
        try:
            return self.asker.get_plain(parts.hostname or "", f"{OAUTH}{self.path}")
        except Unanswered:
            return None

    def _asked(self, client_id: str, redirect_uri: str) -> dict[str, str]:
        scope = "openid" if self.is_openid else "".join(self.words("scopes_supported")[:1])
        openid = {"nonce": "doctor-nonce"} if self.is_openid else {}
        return {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "state": STATE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **({"scope": scope} if scope else {}),
            **openid,
        }

    def _walk(self, answer: Answer) -> list[Answer]:
        """The response and those after its redirects, while they stay on its host."""
        seen = [answer]
        while seen[-1].is_redirect and len(seen) <= MAX_HOPS:
            target = _join(seen[-1].url, seen[-1].header("location"))
            if split(target).netloc != split(answer.url).netloc or self._is_app(target):
                break
            try:
                seen.append(self.asker.get(target))
            except Unanswered:
                break
        return seen

    def _is_refused(self, answer: Answer) -> bool:
        return answer.status >= 400 or "error" in (sent_to(answer, self._redirect_uri) or {})

    def _is_app(self, url: str) -> bool:
        return bool(self._redirect_uri) and url.startswith(self._redirect_uri)


def _join(base: str, location: str) -> str:
    """The target of a redirect; "" if there is none."""
    try:
        return urljoin(base, location)
    except ValueError:
        return ""
