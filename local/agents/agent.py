"""One agent at the MCP server. It knows only the server's address and discovers the rest, in the order of the MCP
specification."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local.agents.assertion import ClientKey
from local.agents.profile import Profile
from local.agents.user import StepRefused, User
from local.browser import Browser, Exchange, query_of

STEPS = ("discovery", "identity", "sign-in", "call", "refresh", "step-up")
NOT_DONE = "-"
_PARAMETER = re.compile(r'([a-z_]{1,32})="([^"]{0,2000})"')


@dataclass
class Agent:
    """An agent and its user.

    results   step -> "ok", "-" where the agent never does it, or why it failed
    """

    profile: Profile
    server_url: str
    user: User
    key: ClientKey | None = None
    http: Browser = field(default_factory=Browser)
    results: dict[str, str] = field(default_factory=dict)
    challenge: dict[str, str] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    asked: str = ""

    def run(self) -> dict[str, str]:
        """Take every step; the first that fails ends the run, and the later ones count as failed with it."""
        walks: tuple[Callable[[], bool], ...] = (
            self.discover, self.identify, self.sign_in, self.call, self.refresh, self.step_up
        )  # fmt: skip
        failed = ""
        for step, walk in zip(STEPS, walks, strict=True):
            if failed:
                self.results[step] = failed
                continue
            try:
                self.results[step] = "ok" if walk() else NOT_DONE
            except (StepRefused, LookupError, OSError) as error:
                self.results[step] = str(error)
                # A session that cannot be renewed or widened still works; without an earlier step nothing does.
                failed = f"after {step}" if step not in ("refresh", "step-up") else ""
        return self.results

    def discover(self) -> bool:
        """A bare request, its challenge, the resource's metadata, the server's (RFC 9728, RFC 8414)."""
        answer = self._call_tool("whoami", "")
        self._expect(answer.status == 401, answer, "no 401")
        self.challenge = dict(_PARAMETER.findall(answer.headers.get("www-authenticate", "")))
        self.resource = self._get(self.challenge["resource_metadata"])
        issuer = self.resource["authorization_servers"][0]
        self.server = self._get(f"{issuer}/.well-known/oauth-authorization-server")
        return True

    def identify(self) -> bool:
        """A registration, or the URL of the agent's document."""
        profile = self.profile
        if profile.comes_by == "document":
            if not self.server.get("client_id_metadata_document_supported"):
                raise StepRefused("the server takes no documents")
            self.client = {"client_id": profile.document_url}
            return True
        body = dict(profile.metadata)
        if profile.grant_types_of:
            offered = self.server["grant_types_supported"]
            body["grant_types"] = [one for one in profile.grant_types_of if one in offered]
        if profile.registers_scopes and (scopes := self._first_scopes()):
            body["scope"] = scopes
        if "registration_endpoint" not in self.server:
            raise StepRefused("the server takes no registrations")
        answer = self.http.post_json(self.server["registration_endpoint"], body)
        self._expect(answer.status == 201, answer)
        self.client = answer.json()
        return True

    def sign_in(self) -> bool:
        """The user's browser goes to the server and comes back with a code (RFC 6749 section 4.1, RFC 7636)."""
        self._authorize(self._first_scopes())
        return True

    def call(self) -> bool:
        """A tool that needs what the server's 401 named."""
        answer = self._call_tool("read_notes", self.tokens["access_token"])
        self._expect(answer.status == 200, answer)
        return True

    def refresh(self) -> bool:
        """New tokens without the user, and the tool again (RFC 6749 section 6)."""
        if not self.profile.refreshes:
            return False
        if "refresh_token" not in self.tokens:
            raise StepRefused("no refresh token")
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        form |= {"resource": self.server_url}
        form |= {"scope": self.asked} if self.profile.refresh_repeats and self.asked else {}
        self._ask_tokens(form)
        return self.call()

    def step_up(self) -> bool:
        """A tool that needs more: its 403 names what, and the user is asked again."""
        if not self.profile.steps_up:
            return False
        answer = self._call_tool("add_note", self.tokens["access_token"])
        if answer.status == 403:
            more = dict(_PARAMETER.findall(answer.headers.get("www-authenticate", ""))).get("scope", "")
            self._authorize(" ".join(dict.fromkeys([*self.asked.split(), *more.split()])))
            answer = self._call_tool("add_note", self.tokens["access_token"])
        self._expect(answer.status == 200, answer)
        return True

    def _first_scopes(self) -> str:
        """What the agent asks for first; "" leaves the parameter out."""
        found = {
            "challenge": self.challenge.get("scope", "").split(),
            "resource": self.resource.get("scopes_supported", []),
            "server": self.server.get("scopes_supported", []),
            "none": [],
        }
        return " ".join(found[self.profile.scopes_from])

    def _authorize(self, scope: str) -> None:
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client["client_id"],
            "redirect_uri": self.profile.redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.server_url,
            **({"scope": scope} if scope else {}),
        }
        url = f"{self.server['authorization_endpoint']}?{urlencode(asked)}"
        back = query_of(self.user.allow(url, self.profile.redirect_uri))
        if back.get("state") != state or "code" not in back:
            raise StepRefused(back.get("error", "no code came back"))
        self.asked = scope
        form = {"grant_type": "authorization_code", "code": back["code"], "code_verifier": verifier}
        self._ask_tokens({**form, "redirect_uri": self.profile.redirect_uri, "resource": self.server_url})

    def _ask_tokens(self, form: dict[str, str]) -> None:
        endpoint, headers = self.server["token_endpoint"], {}
        form = {**form, "client_id": self.client["client_id"]}
        if self.key is not None:
            audience = endpoint if self.profile.audience == "token_endpoint" else self.server["issuer"]
            form |= self.key.prove(self.client["client_id"], audience)
        elif secret := self.client.get("client_secret"):
            if self.client.get("token_endpoint_auth_method") == "client_secret_post":
                form["client_secret"] = secret
            else:
                pair = f"{form.pop('client_id')}:{secret}"
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = self.http.post_form(endpoint, list(form.items()), **headers)
        self._expect(answer.status == 200, answer)
        self.tokens = {**self.tokens, **answer.json()}

    def _call_tool(self, name: str, access_token: str) -> Exchange:
        called = {"name": name, "arguments": {"text": "by an agent"} if name == "add_note" else {}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
        bearer = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        return self.http.post_json(self.server_url, message, **headers, **bearer)

    def _get(self, url: str) -> dict[str, Any]:
        answer = self.http.get(url)
        self._expect(answer.status == 200, answer)
        return answer.json()

    @staticmethod
    def _expect(holds: bool, answer: Exchange, otherwise: str = "") -> None:
        if not holds:
            raise StepRefused(otherwise or str(answer.json().get("error", answer.status)))
