"""Real providers in the demo: `dev.py demo --real github` asks once for your registration there."""

import getpass
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.demo.simulated import FileProvider, NotSimulated, find_definitions

if TYPE_CHECKING:
    from local.stack.stack import RunningBroker

_PAGES = Path(__file__).with_name("registration_pages.toml")


@dataclass(frozen=True)
class Registration:
    """Your app at a real provider."""

    client_id: str
    client_secret: str


class Real(FileProvider):
    """A provider file whose real provider is called."""

    @property
    def variables(self) -> dict[str, str]:
        """The default of each variable of the file."""
        return {name: rule.default or "" for name, rule in self.definition.variables.items()}

    def describe(self) -> dict[str, Any]:
        """What the demo app knows of it: where to read the account, with which scope and headers."""
        api, userinfo = self.definition.api, self.definition.userinfo_endpoint or ""
        base = api.base_under(self.definition.issuer) if api else ""
        path = userinfo.removeprefix(base).lstrip("/") if base and userinfo.startswith(base) else ""
        headers = {name: value for name, value in (api.headers if api else {}).items() if "{" not in value}
        return {
            "id": self.provider_id,
            "name": self.name,
            "api": base or (self.definition.issuer or ""),
            "things": _page_of(self.provider_id).get("reads", path),
            "scope": self.definition.sign_in_scopes[0],
            "headers": headers,
            "proxied": api is not None,
            "noun": "account",
        }


def find_real(names: Iterable[str]) -> tuple[Real, ...]:
    """The provider files of these ids. Raises NotSimulated where a client ID and a secret are not enough."""
    found = tuple(Real(definition) for definition in find_definitions(names))
    for part in found:
        rules = part.definition
        if rules.client_assertion or not rules.issuer or rules.metadata or "" in part.variables.values():
            raise NotSimulated(f"{part.provider_id} needs more than an ID and a secret: broker provider set --help")
    return found


def ask_registration(part: Real, issuer: str, *, say: Callable[[str], None]) -> Registration:
    """Say what to register where, and read the result from the terminal. Raises NotSimulated at the end of input."""
    page = _page_of(part.provider_id)
    say(f"Register an app at {part.name}: {page.get('page') or min(part.definition.documentation)}")
    say(f"  callback URL: {issuer}/callback/{part.provider_id}")
    if "note" in page:
        say(f"  {page['note']}")
    client_id = _read_line("client ID: ", say)
    if part.definition.token_endpoint_auth_method == "none":
        return Registration(client_id, "")
    return Registration(client_id, _read_secret("client secret (not shown): ", say))


def introduce_real(broker: "RunningBroker", part: Real, registration: Registration) -> None:
    """Enable the provider; the secret is encrypted before it is stored."""
    from cli.deployment.operations import set_provider

    set_provider(
        broker.deployment,
        part.provider_id,
        client_id=registration.client_id,
        client_secret=registration.client_secret or None,
        variables=part.variables,
    )


def _page_of(provider_id: str) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads(_PAGES.read_text(encoding="utf-8")).get(provider_id, {})
    return found


def _read_line(prompt: str, say: Callable[[str], None]) -> str:
    say(prompt)
    return _checked(sys.stdin.readline())


def _read_secret(prompt: str, say: Callable[[str], None]) -> str:
    if not sys.stdin.isatty():
        return _read_line(prompt, say)
    return _checked(getpass.getpass(prompt, stream=sys.stderr))


def _checked(text: str) -> str:
    """Raises NotSimulated if nothing was typed."""
    if not text.strip():
        raise NotSimulated("nothing was typed; run the command again when you have registered the app")
    return text.strip()
