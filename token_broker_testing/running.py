"""A broker in a process of its own, and what a test does with it.

Rules kept here: the standard library only, so that nothing of the broker's comes into the process of your tests.
"""

import base64
import contextlib
import hashlib
import json
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

HERE = Path(__file__).resolve().parent
# Installed, the broker lies inside this package; in a checkout, beside it.
SOURCE = next(folder for folder in (HERE / "_broker", HERE.parent) if (folder / "local").is_dir())
# The broker's own packages have common names; they are in the path of this process alone.
PROGRAM = (
    f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from local.installed import main; sys.exit(main(sys.argv[1:]))"
)
TOKEN_BROKER = (sys.executable, "-c", PROGRAM)
COMMAND = (*TOKEN_BROKER, "testing")
REDIRECT_URI = "https://app.example/callback"
SCOPE = "openid profile email offline_access demo:notes:read"


class Refused(Exception):
    """The broker or a provider refused; the message is its answer."""


class Client(NamedTuple):
    """An app that is registered; `client_secret` is empty for a public one."""

    client_id: str
    client_secret: str
    redirect_uri: str
    token_endpoint_auth_method: str = "none"


class Provider:
    """One provider that is played.

    url   its issuer    api   where it keeps what belongs to its users
    """

    def __init__(self, provider_id: str, places: Mapping[str, str], control: str) -> None:
        self.provider_id, self.url, self.api = provider_id, places["url"], places["api"]
        self._control = control

    def fault(self, **faults: Any) -> None:
        """Switch on what it shall do wrong, until the test is over: every fault of docs/testing-your-app.md."""
        _ask(f"{self.url}/_control", {"faults": faults})

    def reset(self) -> None:
        """Let it behave again."""
        _ask(f"{self.url}/_control", {"reset": True})

    def requests(self) -> list[dict[str, str]]:
        """The last 50 that it received: method, host, path and endpoint, never a token."""
        found: list[dict[str, str]] = _ask(f"{self.url}/_control")["requests"]
        return found

    def expire_tokens(self) -> None:
        """As if the time of every access token of it were up: the next use brings a refresh."""
        _ask(f"{self._control}/expire", {"provider": self.provider_id})

    def remove_apps(self) -> None:
        """As if every user had removed the broker in the provider's settings: only connecting again helps."""
        _ask(f"{self._control}/remove", {"provider": self.provider_id})


class RunningBroker:
    """A broker that listens on this machine. `issuer` is all that your app needs to know; the rest is for the test."""

    def __init__(self, places: Mapping[str, Any]) -> None:
        self.issuer, self._control = str(places["issuer"]), str(places["control"])
        self.providers = {name: Provider(name, each, self._control) for name, each in places["providers"].items()}

    def client(self, redirect_uri: str = REDIRECT_URI, **metadata: Any) -> Client:
        """Register an app; a public one that may do everything, unless its metadata (RFC 7591) says otherwise."""
        made = _ask(f"{self._control}/client", {"redirect_uris": [redirect_uri], **metadata})
        method = str(metadata.get("token_endpoint_auth_method", "none"))
        return Client(made["client_id"], made.get("client_secret") or "", redirect_uri, method)

    def sign_in(self, url: str, user: str = "alice", provider: str = "demo") -> str:
        """What a person does with the address of a sign-in, a connect link or a device: where the browser ends.

        user       alice, bob, or "refuse": whoever says no
        provider   the choice, if the broker's page offers one
        """
        document = {"url": url, "user": user, "provider": provider}
        ended: str = _ask(f"{self._control}/sign-in", document)["location"]
        return ended

    def tokens(
        self, client: Client | None = None, *, user: str = "alice", scope: str = SCOPE, provider: str = "demo"
    ) -> dict[str, Any]:
        """A signed-in user: the answer of the token endpoint."""
        client = client or self.client()
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": scope,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "provider": provider,
        }
        answer = dict(parse_qsl(urlsplit(self.sign_in(f"{self.issuer}/authorize?{urlencode(asked)}", user)).query))
        if "code" not in answer:
            raise Refused(answer.get("error", "no code came"))
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": client.redirect_uri,
            "code_verifier": verifier,
            "client_id": client.client_id,
        }
        headers = {}
        if client.token_endpoint_auth_method == "client_secret_basic":
            pair = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        elif client.client_secret:
            form["client_secret"] = client.client_secret
        return _send(urllib.request.Request(f"{self.issuer}/token", urlencode(form).encode(), headers))

    def reset(self) -> None:
        """Let every provider behave again."""
        for provider in self.providers.values():
            provider.reset()


@contextlib.contextmanager
def start(settings: Sequence[str] = (), providers: Sequence[str] = ()) -> Iterator[RunningBroker]:
    """Start one, and end it afterwards.

    settings    KEY=VALUE, as `dev.py serve --set` takes them: "access_token_seconds=5"
    providers   shipped provider files to simulate too, such as "github"
    """
    options = [word for setting in settings for word in ("--set", setting)]
    options += [word for provider in providers for word in ("--provider", provider)]
    command = [*COMMAND, "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            if not ready:
                raise Refused("the broker did not start; what it said stands above")
            yield RunningBroker(json.loads(ready))
        finally:
            process.terminate()
            process.wait(timeout=20)


def _ask(url: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    body = None if document is None else json.dumps(document).encode()
    return _send(urllib.request.Request(url, body, {"Content-Type": "application/json"}))


def _send(request: urllib.request.Request) -> dict[str, Any]:
    """Nothing is asked of a proxy: all of it is on this machine. Raises Refused."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            document: dict[str, Any] = json.load(answer)
            return document
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise Refused(refusal.read().decode("utf-8", "replace")) from None
