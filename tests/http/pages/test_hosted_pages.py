"""Every field, cookie and header of every page that we host, in one table: no 5xx, nothing of it comes back, no other
site presses a button, nobody frames one."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from tests.kit.http.browser import DEVELOPER, Answer
from tests.kit.http.hosted import BY_NAME, PAGES, Scene, described_pages, fields_of, send, start_other, start_scene
from tests.kit.http.sign_in_scene import written
from tests.kit.http.stack import Parts
from tests.kit.requirement import requirement

MARK = "zq7mark"
CANARIES = (
    f"\"'><b id={MARK}><img src=x onerror={MARK}>&lt;b&gt;{MARK}&#60;",
    f"javascript:{MARK}",
    f"{{{{{MARK}}}}}\r\nX-Injected: {MARK}\x00\u202e",
)
IN_A_HEADER = (f"\"'><b id={MARK}><img src=x onerror={MARK}>", f"javascript:{MARK}")
HEADERS = ("Accept-Language", "Referer", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Origin")
# What leads on may carry what was sent, percent-encoded: the app's own state, what the provider is asked.
URLS = frozenset({"href", "action", "content"})


@pytest.fixture(scope="module")
def scene(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made, provider = start_scene(parts, tmp_path_factory.mktemp("providers")), parts.provider.grants
    # The broker's clock stands still. So has the provider's, or after a minute what it signs is of the future.
    before, provider.clock = provider.clock, made.stack.clock.now
    yield made
    provider.clock, parts.current = before, None


@pytest.fixture(autouse=True)
def _current(parts: Parts, scene: Scene) -> None:
    parts.current = scene.stack


class Reflected(HTMLParser):
    """Where the mark stands in a page: as markup, or as words and values."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.markup: list[str] = []
        self.shown: list[str] = []
        self._raw = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw = tag in ("style", "script")
        self._look(tag, self.markup)
        for name, value in attrs:
            self._look(name, self.markup)
            if name in URLS and MARK in (value or ""):
                unsafe = re.search(r"""[\s<>"'\x00]""", (value or "").partition("url=")[2] or value or "")
                (self.markup if unsafe else []).append(value or "")
            else:
                self._look(value or "", self.shown)

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        self._look(data, self.markup if self._raw else self.shown)

    def handle_comment(self, data: str) -> None:
        self._look(data, self.markup)

    def _look(self, text: str, into: list[str]) -> None:
        if MARK in text:
            into.append(text)


def check(scene: Scene, answer: Answer, what: object) -> None:
    """What holds for every answer to every canary."""
    assert answer.status < 500, (what, answer.status, answer.body[-300:], scene.stack.log.getvalue()[-600:])
    assert not answer.headers_named("x-injected"), what
    for name, value in answer.headers:
        assert name == "location" or MARK not in value, (what, name, value)
    place = answer.header("location")
    assert place is None or re.fullmatch(r"[!#-;=?-~]+", place), (what, place)
    if (answer.header("content-type") or "").startswith("text/html"):
        check_framing(answer, what)
        page = answer.body.partition(DEVELOPER)[0]  # only a developer's own machine quotes what the log holds
        assert (Reflected(answer.body).markup, Reflected(page).shown) == ([], []), what
        assert f"<b id={MARK}" not in answer.body and f"onerror={MARK}" not in answer.body, what


def check_framing(answer: Answer, what: object) -> None:
    """GEN-23: in no frame, of no site, our own included; and no base or script could be put in."""
    policy = dict(
        part.strip().partition(" ")[::2] for part in (answer.header("content-security-policy") or "").split(";")
    )
    assert (policy["frame-ancestors"], policy["default-src"], policy["base-uri"]) == ("'none'",) * 3, what
    assert "script-src" not in policy and "unsafe" not in str(policy), what
    assert (answer.header("x-frame-options"), answer.header("x-content-type-options")) == ("DENY", "nosniff"), what
    assert answer.header("cache-control") == "no-store", what


@requirement("PAGE-08")
def test_the_table_has_every_operation_that_answers_with_a_page_and_every_field_of_it(scene: Scene) -> None:
    assert (
        PAGES.keys()
        == described_pages()
        == {
            name
            for name, one in BY_NAME.items()
            if one.page or name == "GET /"  # JSON for a program
        }
    )
    assert all(set(PAGES[name].right(scene)) <= fields_of(name) for name in PAGES)


@requirement("PAGE-08", "GEN-23")
@pytest.mark.parametrize("name", PAGES)
def test_no_field_comes_back_as_markup_or_breaks_a_page(scene: Scene, name: str) -> None:
    hosted = PAGES[name]
    part = hosted.part(scene)
    assert send(scene, name, hosted.right(scene), part).status in (200, 303), "the right one goes through"
    for field in sorted(fields_of(name)):
        right = hosted.right(scene)
        for value in (*CANARIES, right.get(field, "") + CANARIES[0], right.get(field, "") + CANARIES[-1]):
            check(scene, send(scene, name, {**right, field: value}, part), (name, field, value))
    if "{" in name:
        for value in (*CANARIES, part + CANARIES[0]):
            check(scene, send(scene, name, hosted.right(scene), value), (name, "path", value))


@requirement("PAGE-08", "GEN-23")
@pytest.mark.parametrize("name", PAGES)
def test_no_cookie_and_no_header_comes_back_or_breaks_a_page(scene: Scene, name: str) -> None:
    hosted = PAGES[name]
    part, kept = hosted.part(scene), dict(scene.browser.cookies)
    kinds = {re.sub(r"_[0-9a-f]{8,}$", "", cookie) for cookie in kept}
    assert kinds == {"tb_browser", "tb_pending", "tb_session", "tb_provider", "tb_tries", "tb_bff"}
    for cookie in [*kept, "tb_language"]:
        right = hosted.right(scene)
        for value in (*IN_A_HEADER, kept.get(cookie, "") + IN_A_HEADER[0]):
            jar = "; ".join(f"{one}={has}" for one, has in {**scene.browser.cookies, cookie: value}.items())
            check(scene, send(scene, name, right, part, ("Cookie", jar)), (name, cookie, value))
    right = hosted.right(scene)
    for header in HEADERS:
        for canary in IN_A_HEADER:
            check(scene, send(scene, name, right, part, (header, canary)), (name, header, canary))


# Pressed by a person, each with a token in its form and our own Origin. /device has no token: what is typed there
# changes nothing, and a browser without our cookie is refused.
PRESSED = ("POST /signin", "POST /account", "POST /device", "POST /connect/{link}", "POST /logout")
# Posted across sites, as their standards have it: nothing is done before a GET that brings the browser's cookies.
POSTED = ("POST /authorize", "POST /callback/{provider_id}")
ELSEWHERE = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another port of our host": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "our host under another scheme": {"Origin": "https://OURS"},
    "our host with more behind it": {"Origin": "http://OURS.evil.example"},
    "a sandbox": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "a sandbox of this site": {"Origin": "null", "Sec-Fetch-Site": "same-site"},
    "a sandbox that says nothing": {"Origin": "null"},
    "an empty origin": {"Origin": "", "Sec-Fetch-Site": "same-origin"},
}


def refused(scene: Scene, name: str, fields: dict[str, str], what: str, **headers: str) -> None:
    """A page says so, and nothing was written."""
    before = len(written(scene.stack))
    answer = send(scene, name, fields, PAGES[name].part(scene), *headers.items())
    assert answer.status == 403, (name, what, answer.status, answer.body[-300:])
    assert written(scene.stack)[before:] == [], (name, what)
    check_framing(answer, (name, what))


@requirement("GEN-20")
@pytest.mark.parametrize("name", PRESSED)
def test_no_other_site_presses_a_button(scene: Scene, name: str) -> None:
    right = PAGES[name].right(scene)
    for what, headers in ELSEWHERE.items():
        sent = {header: value.replace("OURS", scene.stack.netloc) for header, value in headers.items()}
        refused(scene, name, right, what, **sent)


@requirement("GEN-20")
@pytest.mark.parametrize("name", PRESSED)
def test_no_button_works_without_a_token_with_anothers_or_with_an_old_one(scene: Scene, name: str) -> None:
    right, theirs = PAGES[name].right(scene), PAGES[name].right(start_other(scene))
    others = "; ".join(f"{one}={value}" for one, value in scene.browser.cookies.items() if one != "tb_browser")
    refused(scene, name, right, "a browser without a name", Cookie=others)
    if "request" not in right:
        assert name == "POST /device"
        return
    refused(scene, name, right, "another browser", Cookie=f"{others}; tb_browser={'x' * 43}")
    for what, token in {"none": "", "made up": "x" * 200, "another user's": theirs["request"]}.items():
        refused(scene, name, {**right, "request": token}, what)
    refused(scene, name, {field: value for field, value in right.items() if field != "request"}, "left out")
    scene.stack.clock.advance(scene.stack.settings.pending_seconds)
    try:
        refused(scene, name, right, "an old one")
    finally:
        scene.stack.clock.advance(-scene.stack.settings.pending_seconds)


@requirement("GEN-20")
@pytest.mark.parametrize("name", POSTED)
def test_what_is_posted_across_sites_does_nothing_by_itself(scene: Scene, name: str) -> None:
    assert {one for one in PAGES if one.startswith("POST")} == {*PRESSED, *POSTED}
    right, before = PAGES[name].right(scene), len(written(scene.stack))
    answer = send(scene, name, right, PAGES[name].part(scene), ("Cookie", ""), ("Origin", "https://evil.example"))
    assert (answer.status, answer.headers_named("set-cookie"), written(scene.stack)[before:]) == (303, [], [])
    assert urlsplit(answer.location).path.startswith(("/authorize", "/callback/"))
