"""A posted answer in Chromium: the POST crosses sites without our cookies, and the redirect behind it brings them."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Request, Route

from local.browser import query_of
from local.fake.profile.profile_server import RunningProfile
from local.trial.app import REDIRECT_URI
from local.trial.steps import prepare
from local.trial.workshop import Workshop
from tests.kit.browser_steps import decide, sign_in_at_provider
from tests.kit.providers.provider_scene import Scene
from tests.kit.providers.team_files import FORM_POST
from tests.kit.providers.team_provider import team
from tests.kit.requirement import requirement

SITE = "https://login.team.example"


@pytest.fixture
def scene() -> Iterator[Scene]:
    shop, player = Workshop(), RunningProfile(team(FORM_POST))
    yield Scene(prepare(shop, player), "team")
    player.stop()
    shop.close()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Chromium goes on by itself."""


def play(player: RunningProfile, route: Route) -> None:
    """The provider at its own address, for Chromium: what the player answers through its plain door."""
    asked, own = urlsplit(route.request.url), f"/{SITE.removeprefix('https://')}"
    url = player.url + own + asked.path.removeprefix(own) + (f"?{asked.query}" if asked.query else "")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    kind = route.request.headers.get("content-type", "text/plain")
    sent = urllib.request.Request(url, route.request.post_data_buffer, {"Content-Type": kind})
    try:
        with opener.open(sent, timeout=15) as answer:
            route.fulfill(status=answer.status, headers=dict(answer.headers), body=answer.read())
    except urllib.error.HTTPError as answer:
        route.fulfill(status=answer.code, headers=dict(answer.headers), body=answer.read())


@requirement("CB-13", "CB-02")
def test_chromium_sends_our_cookies_with_the_redirect_and_not_with_the_post(scene: Scene, browser: Browser) -> None:
    context = browser.new_context()
    context.route(f"{SITE}/**", lambda route: play(scene.player, route))
    context.route(f"{REDIRECT_URI}**", lambda route: route.fulfill(body="the app"))
    callbacks: list[Request] = []
    context.on("request", lambda request: callbacks.append(request) if "/callback/team" in request.url else None)
    page = context.new_page()
    page.goto(f"{scene.app.issuer}/authorize?{urlencode(scene.parameters())}")
    decide(page)
    sign_in_at_provider(page)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{REDIRECT_URI}**")
    posted, got = callbacks
    assert (posted.method, got.method) == ("POST", "GET")
    assert "tb_" not in posted.all_headers().get("cookie", "")
    assert "tb_pending" in got.all_headers()["cookie"] and "referer" not in got.all_headers()
    assert "code" in query_of(page.url)
    context.close()
