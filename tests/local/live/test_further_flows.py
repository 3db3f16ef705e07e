"""Steps that the tour does not walk: a pushed request, tokens bound to a key, and a device; each is explained too."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.records.client import Client
from cli.deployment.operations import create_client
from local.browser import Browser, query_of
from local.demo.demo_stack import DemoStack
from local.demo.live_view.server import LiveServer
from local.demo.live_view.visit import Visit
from local.live.details import parameters_of
from local.live.exchange import Exchange
from local.live.mermaid import show_mermaid
from local.live.words import find_header, find_parameter, find_title
from tests.kit.jose.proofs import ProofKey
from tests.kit.requirement import requirement
from tests.local.live.shown_exchange import Opened

Captured = dict[str, list[Exchange]]


def push_and_bind(stack: DemoStack) -> None:
    """The app pushes its request, bound to a key (RFC 9126, RFC 9449), and proves it at /token and /userinfo."""
    key, issuer, app = ProofKey(), stack.broker.issuer, Browser(user_agent="visit")
    visit = Visit(stack)

    def prove(method: str, path: str, **more: Any) -> str:
        return key.prove(method, issuer + path, now=int(time.time()), **more)

    asked = list({**visit.asked, "dpop_jkt": key.jkt}.items())
    pushed = app.post_form(f"{issuer}/par", asked, DPoP=prove("POST", "/par")).json()
    visit.asked = {"client_id": visit.asked["client_id"], "request_uri": pushed["request_uri"]}
    code = visit.finish(visit.allow())
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{stack.app.url}/callback",
        "code_verifier": visit.verifier,
        "client_id": stack.client_id,
    }
    tokens = app.post_form(f"{issuer}/token", [*form.items()], DPoP=prove("POST", "/token")).json()
    assert tokens["token_type"] == "DPoP", tokens
    bound = {"Authorization": f"DPoP {tokens['access_token']}"}
    proof = prove("GET", "/userinfo", token=tokens["access_token"])
    assert app.get(f"{issuer}/userinfo", **bound, DPoP=proof).status == 200


def sign_in_on_a_device(stack: DemoStack) -> None:
    """Two devices ask; the user of one types its code and allows it, and its question brings the tokens."""
    issuer, device, person = stack.broker.issuer, Browser(user_agent="visit"), Browser(user_agent="visit")
    scopes, grants = frozenset({"openid", "profile", "offline_access"}), frozenset({DEVICE_CODE, "refresh_token"})
    client, _ = create_client(
        stack.broker.deployment,
        Client(
            client_id="",
            client_name="A television",
            redirect_uris=(),
            token_endpoint_auth_method="none",
            grant_types=grants,
            scopes=scopes,
            providers=frozenset({"*"}),
        ),
    )
    mine = ("client_id", client.client_id)
    asks = [mine, ("scope", " ".join(scopes))]
    told, other = (device.post_form(f"{issuer}/device_authorization", asks).json() for _ in range(2))

    def ask_whether(code: str) -> dict[str, Any]:
        return device.post_form(f"{issuer}/token", [("grant_type", DEVICE_CODE), ("device_code", code), mine]).json()

    assert ask_whether(other["device_code"])["error"] == "authorization_pending"
    page = person.get(f"{issuer}/device?{urlencode({'user_code': told['user_code']})}")
    choice = person.submit(page, "", "")
    leaving = person.press_allow(choice, "demo")
    back = person.submit(person.get(leaving.location), "decision", "alice").location
    assert "signed in on your device" in person.get(back).text and "code" in query_of(back)
    assert "access_token" in ask_whether(told["device_code"])


FLOWS: dict[str, Callable[[DemoStack], None]] = {"pushed and bound": push_and_bind, "device": sign_in_on_a_device}
STEPS = {
    "pushed and bound": [
        "The app pushes its request",
        "The app asks, through the browser",
        "The app redeems its code",
    ],
    "device": [
        "A device asks for a code",
        "The device asks whether it may",
        "The user types the device's code",
        "The user decides",
        "The device asks whether it may",
    ],
}
WORDS = {
    "pushed and bound": {"request_uri", "dpop_jkt", "expires_in", "code_verifier"},
    "device": {"device_code", "user_code", "verification_uri", "verification_uri_complete", "interval"},
}


@pytest.fixture(scope="module")
def captured(stack: DemoStack, live: LiveServer) -> Captured:
    """What each of them left at the live view."""
    found: Captured = {}
    for name, play in FLOWS.items():
        before = len(live.recorder.all())
        play(stack)
        found[name] = live.recorder.all()[before:]
    return found


@requirement("LIVE-01")
@pytest.mark.parametrize("name", FLOWS)
def test_each_of_its_steps_and_parameters_is_explained(captured: Captured, opened: Opened, name: str) -> None:
    flow = captured[name]
    titles = [find_title(one) for one in flow]
    assert "" not in titles, [one.path for one in flow if not find_title(one)]
    ours = [title for title in titles if title in STEPS[name]]
    assert [title for n, title in enumerate(ours) if ours[n - 1 : n] != [title]] == STEPS[name]
    said = {key: find_parameter(key, one) for one in flow for _, key, _ in parameters_of(one)}
    assert [key for key, word in said.items() if word is None] == []
    assert said.keys() >= WORDS[name]
    shown = {row["name"] for one in flow for row in opened(one)["request"]["parameters"] if row["says"]}
    assert shown >= WORDS[name] & {key for one in flow for key in one.sent}


@requirement("LIVE-01", "LIVE-02")
def test_a_proof_is_explained_and_shown_without_its_signature(captured: Captured, opened: Opened) -> None:
    proven = [one for one in captured["pushed and bound"] if one.request.header("dpop")]
    assert [one.path for one in proven] == ["/par", "/token", "/userinfo"] and find_header("dpop") is not None
    for one in proven:
        rows = {row["name"].lower(): row for row in opened(one)["request"]["headers"]}
        assert rows["dpop"]["says"] == "A proof that the key is held."
        assert one.request.header("dpop") not in str(opened(one))
    assert "A device asks for a code" in show_mermaid(captured["device"])
