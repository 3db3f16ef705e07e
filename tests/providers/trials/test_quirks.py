"""What no key can say: a class by name, and the flow knows no provider by its own."""

import ast
import hashlib
import hmac
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import InvalidDefinition
from chalicelib.providers.quirks import Callback, QuirkRefused, find_quirks
from local.browser import Exchange
from tests.kit import ROOT
from tests.kit.http.sign_in_scene import with_query
from tests.kit.providers.provider_scene import Scene, Stage
from tests.kit.providers.team_provider import team
from tests.kit.requirement import requirement

CODE = ROOT / "chalicelib"
SECRET, SHOP, NOW = "hush", "acme-store.myshopify.com", 1337178173


def callback(**changed: str | None) -> Callback:
    """The example of Shopify's own libraries, signed by its documented rule."""
    parameters = {"code": "0907a61c0c8d55e99db179b68161bc00", "shop": SHOP, "state": "s.t-a_te", "timestamp": str(NOW)}
    message = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    parameters["hmac"] = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    kept = {name: value for name, value in {**parameters, **changed}.items() if value is not None}
    return Callback(parameters=kept, issuer=f"https://{SHOP}", client_secret=SECRET, now=NOW)


def signed(**changed: str) -> Callback:
    """Signed over what is changed too."""
    from msgspec.structs import replace

    parameters = {**callback(hmac=None).parameters, **changed}
    message = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    digest = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    return replace(callback(), parameters={**parameters, "hmac": digest})


@requirement("CB-14")
def test_a_signed_callback_passes() -> None:
    find_quirks("shopify").check_callback(callback())
    find_quirks("shopify").check_callback(signed(timestamp=str(NOW - 90)))


def test_the_signature_is_that_of_the_published_example() -> None:
    known = {"code": "0907a61c0c8d55e99db179b68161bc00", "shop": "some-shop.myshopify.com", "timestamp": "1337178173"}
    known["hmac"] = "4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20"
    find_quirks("shopify").check_callback(
        Callback(parameters=known, issuer="https://some-shop.myshopify.com", client_secret="hush", now=1337178173)
    )


@requirement("CB-14")
@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (callback(hmac=None), "callback_hmac_wrong"),
        (callback(hmac=""), "callback_hmac_wrong"),
        (callback(hmac="\u00e4"), "callback_hmac_wrong"),
        (callback(code="another"), "callback_hmac_wrong"),
        (callback(state="another"), "callback_hmac_wrong"),
        (callback(more="than was signed"), "callback_hmac_wrong"),
        (signed(timestamp=str(NOW - 91)), "callback_timestamp_off"),
        (signed(timestamp=str(NOW + 91)), "callback_timestamp_off"),
        (signed(timestamp="now"), "callback_timestamp_off"),
        (signed(shop="another.myshopify.com"), "callback_of_another_shop"),
    ],
)
def test_anything_else_is_refused(refused: Callback, reason: str) -> None:
    with pytest.raises(QuirkRefused, match=reason):
        find_quirks("shopify").check_callback(refused)


@requirement("CB-14")
def test_without_a_secret_nothing_is_believed() -> None:
    from msgspec.structs import replace

    with pytest.raises(QuirkRefused, match="callback_secret_missing"):
        find_quirks("shopify").check_callback(replace(callback(), client_secret=None))


@pytest.fixture
def scene(stage: Stage) -> Scene:
    made: Scene = stage(team(quirks='"shopify"'))
    return made


@requirement("CB-14")
def test_the_flow_asks_before_it_looks_at_code_or_error(scene: Scene) -> None:
    scene.redeem(scene.come_back())
    before = scene.player.count("token")
    for decision, changed in (("alice", {"code": "another"}), ("alice", {"hmac": None}), ("refuse", {"error": "x"})):
        answer: Exchange = scene.come_back(decision, **changed)
        assert (answer.status, answer.location) == (400, "")
    assert scene.player.count("token") == before


def test_others_are_not_asked_for_one(stage: Stage) -> None:
    scene: Scene = stage(team())
    location = scene.app.person.decide(scene.leave()).location
    assert "hmac" not in dict(parse_qsl(urlsplit(location).query))
    scene.redeem(scene.app.person.get(with_query(location, hmac="x")))


def test_an_unknown_class_is_a_fault_of_the_file() -> None:
    with pytest.raises(InvalidDefinition, match="quirks names a class that there is not"):
        team(quirks='"nobody"')


def test_no_providers_name_stands_in_the_code_of_the_flow() -> None:
    words = {name for name in load_catalog().ids if len(name) > 3} - {"oidc", "oauth2", "linear"}
    found = []
    for path in CODE.rglob("*.py"):
        if path.is_relative_to(CODE / "providers" / "quirks") or path.stem == "private_schemes":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                text = node.value
            if words & set(re.split(r"[^a-z0-9-]+", text.lower())):
                found.append(f"{path.relative_to(CODE)}:{getattr(node, 'lineno', 0)}: {text[:60]}")
    assert not found, found
