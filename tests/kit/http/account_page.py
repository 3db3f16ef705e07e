"""What a person sees on their own page, and how a test presses its buttons."""

import re
from html.parser import HTMLParser

from msgspec.structs import replace

from chalicelib.endpoints.browser.cookies import open_session, read_session_owner, seal_session
from chalicelib.protocol.request import Request
from chalicelib.records.item_keys import subject_item_key
from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.stack import Stack

PATH = "/account"


class Shown(HTMLParser):
    """The words of a page, its buttons by what they post, and its hidden fields."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.acts: list[str] = []
        self.texts: list[str] = []
        self.sections: list[list[str]] = [[]]
        self.feed(answer.body.partition("</style>")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = dict(attrs)
        if tag == "button" and got.get("name") == "act":
            self.acts.append(got.get("value") or "")
        if tag == "section":
            self.sections.append([])

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))
            self.sections[-1].append(" ".join(data.split()))

    @property
    def words(self) -> str:
        """All of it on one line."""
        return " ".join(self.texts)


def read_heading(body: str) -> str:
    """Without the marks around a name."""
    heading = body.partition("<h1>")[2].partition("</h1>")[0]
    return heading.replace("<bdi>", "").replace("</bdi>", "")


def look(browser: Browser) -> Answer:
    """GET /account, for a browser that is signed in."""
    answer = browser.get(PATH)
    assert answer.status == 200, (answer.status, answer.body[-600:])
    return answer


def app_pages(browser: Browser) -> list[str]:
    """The paths of the apps' pages, as the list links them."""
    return re.findall(r'href="([^"]*/account/apps/[^"]*)"', look(browser).body)


def account_pages(browser: Browser) -> list[str]:
    """The paths of the accounts' pages, as the list links them."""
    return re.findall(r'href="([^"]*/account/accounts/[^"]*)"', browser.get(f"{PATH}/accounts").body)


def look_at_app(browser: Browser, name: str = "") -> Answer:
    """GET the page of the one app, or of the app of this name."""
    pages = [browser.get(path) for path in app_pages(browser)]
    (page,) = [one for one in pages if not name or read_heading(one.body) == name]
    assert page.status == 200, (page.status, page.body[-600:])
    return page


def press(browser: Browser, page: Answer, act: str, *more: tuple[str, str], **headers: str) -> Answer:
    """A button of a page that was shown."""
    fields = [(name, value) for name, value in read_page(page.body).fields if name == "request"][:1]
    return browser.post(PATH, [*fields, *more, ("act", act)], **headers)


def enter(stack: Stack, browser: Browser | None = None, who: str = "alice", provider: str = "demo") -> Browser:
    """From nothing, or once more, through the provider and back to the page."""
    browser = browser or stack.browser()
    back = arrive(stack, browser, who, provider)
    assert (back.status, back.location) == (303, stack.settings.issuer + PATH), (back.status, back.body[-900:])
    return browser


def arrive(stack: Stack, browser: Browser, who: str = "alice", provider: str = "demo") -> Answer:
    """The same as far as our callback's answer."""
    left = browser.post(PATH, [("act", f"sign_in {provider}")])
    assert left.status == 200, left.body[-600:]
    return browser.get(stack.provider.sign_in(left.location, who))


def age_session(stack: Stack, browser: Browser, seconds: int) -> None:
    """The same browser session, as it is so long after its sign-in at the provider."""
    request = Request(
        method="GET", query=(), form=(), json=None, headers={}, path={}, cookies=browser.cookies, source_ip="",
        request_id="", endpoint="",
    )  # fmt: skip
    owner = read_session_owner(stack.broker, request)
    assert owner is not None
    subject = stack.deployment.store.read(subject_item_key(owner.sub)).get(subject_item_key(owner.sub))
    session = open_session(stack.broker, owner, subject, sign_out=None, now=stack.clock.now())
    assert session is not None and subject is not None
    older = replace(session, signed_in_at=stack.clock.now() - seconds)
    _, cookie = seal_session(stack.broker, older, subject.session_salt, owner.told)
    browser.cookies["tb_session"] = cookie.partition("=")[2].partition(";")[0]
