"""The user sees what an issuer's token opened, reduces it, and removes the app, on the page My access."""

import pytest

from tests.kit.http.account_page import app_pages, enter, look_at_app, press
from tests.kit.http.issuers import IssuerScene, start_issuer_scene
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import read_claims
from tests.kit.requirement import requirement

ALICE = "demo-7f3a51"


@pytest.fixture
def scene(stack: Stack) -> IssuerScene:
    """The demo provider is also the issuer."""
    scene = start_issuer_scene(stack, issuer=stack.provider.url, login_of="demo")
    scene.issuer, scene.more = stack.provider.url, {"sub": ALICE}
    return scene


@requirement("STD-18")
def test_the_app_is_listed_and_a_scope_can_be_removed(stack: Stack, scene: IssuerScene) -> None:
    token = scene.exchange().json["access_token"]
    browser = enter(stack)
    page = look_at_app(browser)
    assert "orders:read" in page.body and "orders:write" in page.body
    done = press(browser, page, f"narrow {scene.client.client_id}", ("scope", "orders:read"))
    assert done.status == 303, done.body[-600:]
    assert "orders:write" not in look_at_app(browser).body
    assert scene.exchange().json["scope"] == "openid orders:read"
    assert stack.post("/introspect", scene.client, scene.secret, token=token).json["scope"] == "openid orders:read"


@requirement("STD-05")
def test_removing_the_app_ends_everything_and_a_later_token_is_listed_again(stack: Stack, scene: IssuerScene) -> None:
    token = scene.exchange().json["access_token"]
    browser = enter(stack)
    done = press(browser, look_at_app(browser), f"end_app_sure {scene.client.client_id}")
    assert done.status in (200, 303), done.body[-600:]
    assert stack.post("/introspect", scene.client, scene.secret, token=token).json == {"active": False}
    assert scene.exchange().json["retry"] == "with_new_token"
    stack.clock.advance(62)
    again = scene.exchange()
    assert read_claims(again.json["access_token"])["grant_version"] == 1
    assert len(app_pages(browser)) == 1 and "orders:write" in look_at_app(browser).body
