"""Every page that we host, and one right request to each, at one broker where somebody has signed in."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tests.kit.described import document
from tests.kit.http.account_page import account_pages, app_pages
from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.connect_links import link_of, start_linkable, write_second
from tests.kit.http.device import Device, start_device
from tests.kit.http.stack import Parts, Stack
from tests.kit.http.surface import ENDPOINTS, call
from tests.kit.http.tokens import Session, start_session

ORIGIN = "https://app.example"


@dataclass
class Scene:
    """Alice has signed in at an app, which asks for one more account; a device waits; another app has cookies alone."""

    stack: Stack
    session: Session
    link: str
    device: Device
    served: str

    @property
    def browser(self) -> Browser:
        """Hers, with every cookie that it got on the way."""
        return self.session.sign_in.browser

    def form_of(self, path: str) -> str:
        """The hidden field of a page, as it is shown to her now."""
        shown = self.browser.get(path)
        assert shown.status == 200, (path, shown.status, shown.body[-300:])
        return dict(read_page(shown.body).fields)["request"]

    def asked(self) -> dict[str, str]:
        """An authorization request that nothing but the page can answer."""
        return self.stack.authorize_parameters(self.session.client, prompt="consent select_account")

    def choice(self) -> Answer:
        return self.stack.authorize(self.asked(), self.browser)


def start_scene(parts: Parts, folder: Path) -> Scene:
    """The limits of tries are out of the way: they are no page's."""
    write_second(folder)
    text = (
        Path("local/providers/demo.toml")
        .read_text(encoding="utf-8")
        .replace('provider_id = "demo"', 'provider_id = "posting"')
    )
    posting = text.replace("[authorization]", '[authorization]\nresponse_mode = "form_post"')
    (folder / "posting.toml").write_text(posting, encoding="utf-8")
    dirs = ("local/providers", str(folder))
    tries = dict.fromkeys(("device_tries_per_address", "device_tries_per_browser"), 10**6)
    unlimited = dict.fromkeys(("requests_per_address", "requests_per_client"), 0)
    stack = Stack(parts, provider_dirs=dirs, **tries, **unlimited)
    session = start_linkable(stack)
    served, _ = stack.client(redirect_uris=(), grant_types=frozenset(), bff_origins=(ORIGIN,))
    device = start_device(stack)
    device.type(session.sign_in.browser, "BCDF-GHJK")  # a wrong one: from now on a cookie counts
    browser = session.sign_in.browser
    left = stack.decide(browser, browser.get(f"/bff/{served.client_id}/login"), provider="demo")
    assert browser.get(stack.provider.sign_in(left.location)).location.startswith(ORIGIN)
    link = urlsplit(link_of(session)).path.rpartition("/")[2]
    return Scene(stack, session, link, device, served.client_id)


def start_other(scene: Scene) -> Scene:
    """Bob, at a browser of his own, with a link of his own."""
    session = start_session(scene.stack, who="bob", client=(scene.session.client, scene.session.sign_in.secret))
    return replace(scene, session=session, link=urlsplit(link_of(session)).path.rpartition("/")[2])


class Hosted(NamedTuple):
    """right: the fields of a request that is answered with that page, made anew for each use. part: in its path."""

    right: Callable[[Scene], dict[str, str]] = lambda scene: {}
    part: Callable[[Scene], str] = lambda scene: "x"


def _at_callback(scene: Scene) -> dict[str, str]:
    left = scene.stack.decide(scene.browser, scene.choice(), provider="demo")
    return dict(parse_qsl(urlsplit(scene.stack.provider.sign_in(left.location)).query))


def _signing_out(scene: Scene) -> dict[str, str]:
    return {"client_id": scene.session.client.client_id, "state": "x", "ui_locales": "en"}


PAGES: dict[str, Hosted] = {
    "GET /": Hosted(),
    "GET /authorize": Hosted(Scene.asked),
    "POST /authorize": Hosted(Scene.asked),
    "POST /signin": Hosted(
        lambda scene: {
            "request": dict(read_page(scene.choice().body).fields)["request"],
            "provider": "demo",
            "decision": "allow",
            "scope": "email",
            "ends": "in_a_day",
        }
    ),
    "GET /callback/{provider_id}": Hosted(_at_callback, lambda scene: "demo"),
    "POST /callback/{provider_id}": Hosted(_at_callback, lambda scene: "posting"),
    "GET /logout": Hosted(_signing_out),
    "POST /logout": Hosted(lambda scene: {"request": scene.form_of("/logout"), "decision": "stay"}),
    "GET /account": Hosted(lambda scene: {"q": "app"}),
    "GET /account/apps/{app}": Hosted(part=lambda scene: app_pages(scene.browser)[0].rpartition("/")[2]),
    "GET /account/accounts": Hosted(),
    "GET /account/accounts/{account}": Hosted(part=lambda scene: account_pages(scene.browser)[0].rpartition("/")[2]),
    "GET /account/data": Hosted(),
    "POST /account": Hosted(lambda scene: {"request": scene.form_of("/account"), "act": "erase"}),
    "GET /device": Hosted(lambda scene: {"user_code": scene.device.told["user_code"]}),
    "POST /device": Hosted(lambda scene: {"user_code": scene.device.told["user_code"]}),
    "GET /connect/{link}": Hosted(part=lambda scene: scene.link),
    "POST /connect/{link}": Hosted(
        lambda scene: {"request": scene.form_of(f"/connect/{scene.link}"), "decision": "allow", "scope": "x"},
        lambda scene: scene.link,
    ),
    "GET /bff/{client_id}/login": Hosted(
        lambda scene: {"return_to": "/notes", "origin": ORIGIN, "prompt": "consent"}, lambda scene: scene.served
    ),
}

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}


def described_pages() -> set[str]:
    """The operations that answer with HTML, as the published description has them: no page is forgotten here.

    Every other path gets a 404, which reads no field: tests/http/pages/test_front_page.py.
    """
    return {
        f"{method.upper()} {path}"
        for path, operations in document()["paths"].items()
        if path != "/{elsewhere}"
        for method, operation in operations.items()
        if "text/html" in str([_resolve(answer) for answer in operation["responses"].values()])
    }


def fields_of(name: str) -> set[str]:
    """What an operation reads from a query or a form, as it is described and as tests know it."""
    method, _, path = name.partition(" ")
    operation = document()["paths"][path][method.lower()]
    named = set(BY_NAME[name].fields)
    named |= {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    content = operation.get("requestBody", {}).get("content", {})
    for media in content.values():
        schema = _resolve(media["schema"])
        for form in schema.get("anyOf", [schema]):
            named |= _resolve(form)["properties"].keys()
    return named


def _resolve(part: dict[str, Any]) -> dict[str, Any]:
    found: Any = part
    while "$ref" in found:
        kind, named = found["$ref"].split("/")[-2:]
        found = document()["components"][kind][named]
    return dict(found)


def send(scene: Scene, name: str, fields: dict[str, str], part: str, *headers: tuple[str, str]) -> Answer:
    """One request of her browser; what it answers changes none of its cookies. A header that is given replaces ours."""
    ours = {"Cookie": "; ".join(f"{one}={value}" for one, value in scene.browser.cookies.items())}
    sent = {**ours, "Accept": "text/html", "Origin": scene.stack.settings.issuer, **dict(headers)}
    return call(scene.stack, BY_NAME[name], fields, sent.items(), part=part)
