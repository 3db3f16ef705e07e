"""A simulated provider of a team's own file, and an app that calls it without the broker."""

import json
import re
import tomllib
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import ProviderDefinition, parse_definition
from local.fake.profile.profile_server import RunningProfile
from local.fake.web import FORM

CALLBACK = "https://app.example/callback"
TEAM = """
provider_id = "team"
display_name = "Team"
checked_on = 2026-01-01
issuer = "https://login.team.example"
authorization_endpoint = "https://login.team.example/authorize"
token_endpoint = "https://login.team.example/token"
userinfo_endpoint = "https://api.team.example/me"
revocation_endpoint = "https://login.team.example/revoke"
sign_in_scopes = ["me"]
token_endpoint_auth_method = "client_secret_post"
[identity]
source = "userinfo"
issuer = "https://login.team.example"
subject = "sub"
[scopes]
me = { title = "see who you are", access = "read" }
write = { title = "change things", access = "write" }
[api]
base_url = "https://api.team.example/v1"
"""


@dataclass(frozen=True)
class Raw:
    """An answer as it came; `broken` where none came whole."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    broken: bool = False

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.text)


class RawApp:
    """An app of anybody's, straight at a player through its plain door, without a broker."""

    def __init__(self, player: RunningProfile) -> None:
        self.player, self.definition = player, player.definition
        player.add_client("raw", "raw-secret", [CALLBACK])

    def authorize(self, **changed: str | None) -> str:
        """The answer to an authorization request that is right but for what is changed: where it leads."""
        rules = self.definition.authorization
        asked: dict[str, str | None] = {
            **rules.parameters,
            "response_type": "code",
            rules.client_id_parameter: "raw",
            "redirect_uri": CALLBACK,
            rules.scope_parameter: rules.scope_separator.join(self.definition.scopes),
            "state": "s",
            **changed,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return self.player.sign_in(f"{self.player.places.authorization}?{urlencode(given)}")

    def code(self) -> str:
        """A fresh one."""
        return dict(parse_qsl(urlsplit(self.authorize()).query))["code"]

    def token(self, **form: str) -> Raw:
        """POST to the token endpoint with our secret in the form."""
        return self.post(self.player.places.token, {"client_id": "raw", "client_secret": "raw-secret", **form})

    def redeem(self, code: str | None = None) -> Raw:
        """Exchange a code."""
        return self.token(grant_type="authorization_code", code=code or self.code(), redirect_uri=CALLBACK)

    def refresh(self, token: str) -> Raw:
        """Use a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def api(self, token: str, path: str = "/v1/anything") -> int:
        """The status that the API answers with."""
        return self.get(f"https://api.team.example{path}", token).status

    def get(self, url: str, token: str) -> Raw:
        """GET with a bearer token."""
        return self.send("GET", url, None, {"Authorization": f"Bearer {token}", "User-Agent": "test"})

    def post(self, url: str, form: dict[str, str]) -> Raw:
        """POST a form and want JSON."""
        return self.send("POST", url, urlencode(form), {"Content-Type": FORM, "Accept": "application/json"})

    def send(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Raw:
        """One request to an address of the file, through the plain door."""
        connection = HTTPConnection("127.0.0.1", self.player.port, timeout=10)
        try:
            connection.request(method, "/" + url.removeprefix("https://"), body, headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Raw(answer.status, named, answer.read().decode())
        except Exception:  # noqa: BLE001  whatever breaks, the answer did not come whole
            return Raw(broken=True)
        finally:
            connection.close()


def control(player: RunningProfile, document: Any = None) -> dict[str, Any]:
    """GET, or POST a document to, /_control as a developer does."""
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(f"{player.url}/_control", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return {"status": answer.status, **json.load(answer)}
    except HTTPError as refusal:
        with refusal:
            return {"status": refusal.code, **json.load(refusal)}


def team_text(more: str = "", **changed: str) -> str:
    """A provider's file that is none of ours, with further sections and other values."""
    text = TEAM
    for name, value in changed.items():
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE)
        text = text.replace("\nsign_in_scopes", f"\n{name} = {value}\nsign_in_scopes", 1)
    for head in re.findall(r"^\[(identity|api)\]$", more, flags=re.MULTILINE):
        text = re.sub(rf"^\[{head}\]\n(?:[^\[].*\n)*", "", text, flags=re.MULTILINE)
    own = {"provider_id", "display_name", "checked_on"}
    named = [name for name in tomllib.loads(text + more) if name not in own]
    return f'{text}{more}\n[documentation]\n"https://team.example/docs" = {json.dumps(named)}\n'


def team(more: str = "", **changed: str) -> ProviderDefinition:
    """That file, read."""
    return parse_definition(team_text(more, **changed), source="team.toml")


def ours(provider_id: str) -> ProviderDefinition:
    """One of the catalogue."""
    definition = load_catalog().get(provider_id)
    assert definition is not None
    return definition
