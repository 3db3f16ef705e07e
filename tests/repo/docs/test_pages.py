"""What the pages for developers show is run as it stands: requests by sh, scripts by node, in the order of the page."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator

import pytest
import requests

from chalicelib.records.client import ProxyRule
from chalicelib.records.item_keys import client_item_key, grant_item_key
from chalicelib.records.resource import Resource
from chalicelib.upstream.proxy_request import ANSWER_HEADERS, METHODS, REQUEST_HEADERS
from cli.deployment.operations import create_resource
from cli.main import build_parser
from tests.kit import ROOT
from tests.kit.http.connect_links import press
from tests.kit.http.proxied import Proxied
from tests.kit.http.stack import SCOPE, Stack, own_parts
from tests.kit.http.tokens import Session, change, read, read_claims, start_session
from tests.kit.requirement import requirement

DOCS = ROOT / "docs"
NAMES = (
    "acting",
    "first-app",
    "hand-out",
    "connect",
    "proxy",
    "vault",
    "pushed-requests",
    "sign-in-requests",
    "sign-out",
    "subjects",
)
PAGES = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in NAMES}
EXAMPLE = re.compile(r"```(sh|js)\n(.*?)```\n(?:\n((?:    [^\n]*\n)+))?", re.DOTALL)
NAME = re.compile(r'"(\w+)":')


class Reader:
    """A developer with a signed-in user, who copies what stands on a page."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.session: Session = start_session(stack, scopes=frozenset({*SCOPE.split(), "demo:notes:write"}))
        self.names = {
            "broker": stack.settings.issuer,
            "accessToken": self.session.access,
            "clientId": self.session.client.client_id,
            "redirectUri": self.session.client.redirect_uris[0],
            "connectionId": self.session.claims["connections"]["demo"],
            "notes": f"{stack.provider.url}/api/notes",
            "mine": "the-apps-own-state",
            "idToken": self.session.tokens["id_token"],
            "sub": self.session.claims["sub"],
        }
        self.variables = {re.sub("([A-Z])", r"_\1", name).upper(): value for name, value in self.names.items()}

    def may_write(self) -> None:
        """The user signs in once more and allows the app more."""
        sign_in = self.stack.sign_in(self.session.client, scope=f"{SCOPE} demo:notes:write")
        self.session = Session(self.stack, sign_in, self.stack.redeem(sign_in).json)
        self.names["accessToken"] = self.variables["ACCESS_TOKEN"] = self.session.access

    def copy(self, language: str, text: str) -> str:
        """What an example prints."""
        if text.startswith("broker "):
            return self._operate(text)
        if language == "sh":
            return self._run(["sh", "-eu", "-c", text], {**self.variables, "STATE": self.names["mine"]})
        defined = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in self.names.items())
        shown = "globalThis.location = { assign: (url) => console.log(url) };\n"
        return self._run(["node", "--input-type=module", "--eval", defined + shown + text], {})

    def _operate(self, text: str) -> str:
        words = [self.variables.get(word.removeprefix("$"), word) for word in shlex.split(text)]
        options = build_parser().parse_args(words[1:])
        return str(options.act(self.stack.deployment, options))

    def _run(self, command: list[str], more: dict[str, str]) -> str:
        environ = {**os.environ, "NO_PROXY": "127.0.0.0/8", "no_proxy": "127.0.0.1", **more}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A broker of its own."""
    with own_parts() as parts:
        yield Stack(parts)


@pytest.fixture
def reader(stack: Stack) -> Reader:
    return Reader(stack)


def examples(page: str) -> list[tuple[str, str, str]]:
    """(language, text, what stands below it as its answer)."""
    return [(found[1], found[2], found[3] or "") for found in EXAMPLE.finditer(PAGES[page])]


def copy_all(reader: Reader, page: str) -> list[str]:
    """Every example of a page; where an answer stands below it, it has the same members."""
    printed = []
    for language, text, answer in examples(page):
        came = reader.copy(language, text)
        assert came.strip(), text
        if answer.lstrip().startswith("{"):
            assert set(NAME.findall(came)) == set(NAME.findall(answer)), (text, came)
        printed.append(came)
    return printed


@requirement("RUN-05")
def test_a_first_app(
    stack: Stack, reader: Reader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Registered by the command that stands there, the program signs alice in and prints what the pages use."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    (_, start, _), (_, register, _) = examples("first-app")
    assert start == "python3 dev.py demo\n"
    (program,) = re.findall(r"```python\n(.*?)```", PAGES["first-app"], re.DOTALL)
    options = build_parser().parse_args(shlex.split(register.replace("\\\n", ""))[3:])
    client_id = options.act(stack.deployment, options)["client_id"]

    def open_browser(url: str) -> None:
        browser = stack.browser()
        left = stack.decide(browser, browser.get(url), provider="demo")
        back = browser.get(stack.provider.sign_in(left.location, "alice")).location
        threading.Thread(target=requests.get, args=(back,), kwargs={"timeout": 20}, daemon=True).start()

    monkeypatch.setattr(webbrowser, "open", open_browser)
    monkeypatch.setattr(sys, "argv", ["first_app.py", client_id])
    exec(compile(program.replace("http://127.0.0.1:8080", stack.settings.issuer), "first_app.py", "exec"), {})
    out, err = capsys.readouterr()
    assert f"Open {stack.settings.issuer}/authorize?" in err
    printed = dict(re.findall(r"([A-Z_]+)=(\S+)", out))
    assert printed["CLIENT_ID"] == client_id and printed.keys() | {"NOTES", "MINE", "ID_TOKEN", "SUB"} == {
        *reader.variables,
        "STATE",
    }
    answer = Proxied(stack).call(printed["ACCESS_TOKEN"])
    assert answer.json["owner"] == "alice"


def test_hand_out(reader: Reader) -> None:
    owner, asked, refused = copy_all(reader, "hand-out")
    assert json.loads(asked)["scope"] == "email notes:read openid profile" and owner.strip() == "alice"
    assert json.loads(refused)["reason"] == "not_allowed"


def test_acting(stack: Stack, reader: Reader) -> None:
    """Its APIs are there, and the user has allowed them; each answer is the next one's variable."""
    for audience in ("https://tools.example", "https://orders.example"):
        create_resource(stack.deployment, Resource(audience=audience, scopes=frozenset({"orders:read"})))
    apis = frozenset({"https://tools.example", "https://orders.example"})
    scope = f"{SCOPE} orders:read"
    client, _ = stack.client(scopes=frozenset(scope.split()), resources=apis)
    sign_in = stack.sign_in(client, scope=scope, resource="https://tools.example")
    session = Session(stack, sign_in, stack.redeem(sign_in, resource=stack.settings.issuer).json)
    change(stack, grant_item_key(session.claims["grant_id"]), resources=tuple(sorted(apis)))
    reader.variables |= {"CLIENT_ID": client.client_id, "ACCESS_TOKEN": session.access}
    shown = []
    for language, text, answer in examples("acting"):
        came = reader.copy(language, text)
        if text.startswith("broker "):
            made = ast.literal_eval(came)
            reader.variables.setdefault("TOOLS_ID", made["client_id"])
            reader.variables.setdefault("TOOLS_SECRET", made.get("client_secret", ""))
            continue
        assert set(NAME.findall(came)) == set(NAME.findall(answer)), (text, came)
        shown.append(json.loads(came)["access_token"])
        reader.variables["SHOWN" if len(shown) == 1 else "TOOLS_TOKEN"] = shown[-1]
    claims = read_claims(shown[-1])
    assert claims["act"] == {"sub": reader.variables["TOOLS_ID"]} and claims["aud"] == "https://orders.example"
    assert claims["grant_client_id"] == client.client_id and claims["sub"] == session.claims["sub"]


def test_connect(reader: Reader) -> None:
    shown, asked = copy_all(reader, "connect")
    for link in (shown.strip(), json.loads(asked)["connect_uri"]):
        browser = reader.session.sign_in.browser
        left = press(browser, browser.get(link))
        back = browser.get(reader.stack.provider.sign_in(left.location, "alice"))
        assert back.answered["connection_id"] == reader.names["connectionId"]
        assert back.answered["state"] == reader.names["mine"] and back.location.startswith(reader.names["redirectUri"])
    assert json.loads(asked)["expires_in"] == 600


def test_proxy(reader: Reader) -> None:
    reader.may_write()
    owner, read_once, written, refused, _, shown = copy_all(reader, "proxy")
    assert (
        owner.strip() == json.loads(read_once)["owner"] == "alice" and json.loads(refused)["reason"] == "not_connected"
    )
    assert (json.loads(shown)["use"]["handouts"], json.loads(shown)["use"]["calls"]) == (0, 3)
    assert written.strip() == "provider 200 written through the proxy"
    client = read(reader.stack, client_item_key(reader.names["clientId"]))
    assert set(client.proxy_rules) == {
        ProxyRule(provider_id="demo", methods=frozenset({"GET"}), path_prefix="/notes"),
        ProxyRule(provider_id="demo", methods=frozenset({"POST"}), path_prefix="/notes", scope="notes:write"),
    }
    calls = Proxied(reader.stack)
    assert calls.call(reader.session).status == 200
    assert calls.call(reader.session, path="/proxy/demo/other").refusal[2] == "call_not_allowed"


def test_vault(reader: Reader) -> None:
    listed, ended = copy_all(reader, "vault")
    assert json.loads(listed)["connections"][0]["status"] == "active"
    assert json.loads(ended)["at_provider"] == "revoked"


def test_pushed_requests(reader: Reader) -> None:
    pushed, leads, changed = copy_all(reader, "pushed-requests")
    assert json.loads(pushed)["expires_in"] == 60
    browser = reader.stack.browser()
    left = reader.stack.decide(browser, browser.get(leads.strip()), provider="demo")
    back = browser.get(reader.stack.provider.sign_in(left.location, "alice"))
    assert "code" in back.answered and back.answered["state"] == reader.names["mine"]
    assert "require_pushed_authorization_requests" in changed
    assert read(reader.stack, client_item_key(reader.names["clientId"])).require_pushed_authorization_requests


def test_sign_out(reader: Reader) -> None:
    _, place, _, everywhere = copy_all(reader, "sign-out")
    back = reader.session.sign_in.browser.get(place.strip())
    assert back.location == f"https://app.example/bye?state={reader.names['mine']}"
    client = read(reader.stack, client_item_key(reader.names["clientId"]))
    assert client.backchannel_logout_uri == "https://app.example/told"
    assert client.client_id in everywhere


def test_subjects(reader: Reader) -> None:
    (made,) = copy_all(reader, "subjects")
    assert "'subject_type': 'pairwise'" in made and "'sector': 'app.example'" in made


def words_of(page: str, begins: str) -> set[str]:
    """The quoted words of a paragraph that begins so, in lower case."""
    (paragraph,) = [part for part in PAGES[page].split("\n\n") if part.startswith(begins)]
    return {word.lower() for word in re.findall(r"`([A-Za-z-]+)`", paragraph)}


def test_the_headers_that_cross_the_proxy_are_those_of_the_code() -> None:
    assert words_of("proxy", "`Accept`,") == REQUEST_HEADERS
    assert words_of("proxy", "`Accept-Ranges`,") == ANSWER_HEADERS
    assert words_of("proxy", "Methods are") >= {method.lower() for method in METHODS}
