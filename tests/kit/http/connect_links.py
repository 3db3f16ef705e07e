"""What tests of connect links do again and again: ask for one, open it, decide, go to the provider and come back."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.kit.http.browser import FORM, Answer, Browser, read_page, request
from tests.kit.http.sign_in_scene import add_provider
from tests.kit.http.stack import APP, SCOPE, Stack
from tests.kit.http.tokens import Session, start_session

SCOPES = frozenset({*SCOPE.split(), "demo:notes:write", "second:notes:read", "second:notes:write"})
STATE = "the-app's-own-state"


def write_second(folder: Path) -> None:
    """A provider file of an operator: the demo provider's under another name."""
    text = Path("local/providers/demo.toml").read_text()
    text = text.replace('provider_id = "demo"', 'provider_id = "second"').replace("Demo Notes", "Second Notes")
    (folder / "second.toml").write_text(text)


def start_linkable(stack: Stack, *, who: str = "alice", **fields: Any) -> Session:
    """Somebody signed in at the demo provider, with an app that may have more, at a second provider too."""
    add_provider(stack, "second")
    return start_session(stack, who=who, **{"scopes": SCOPES, "client_uri": "https://home.example/", **fields})


def ask(session: Session, token: str | None = None, **changed: str | None) -> Answer:
    """POST /connect."""
    fields = {"provider": "second", "scope": "notes:read", "redirect_uri": APP, "state": STATE, **changed}
    form = urlencode({name: value for name, value in fields.items() if value is not None})
    headers = {"Content-Type": FORM, "Authorization": f"Bearer {token or session.access}"}
    return request(session.stack.netloc, "POST", "/connect", body=form, headers=headers)


def link_of(session: Session, **changed: str | None) -> str:
    """The link that an app gets."""
    answer = ask(session, **changed)
    assert answer.status == 200, answer.body
    return str(answer.json["connect_uri"])


def press(browser: Browser, page: Answer, decision: str = "allow", **more: str) -> Answer:
    """Press a button on the page of a link."""
    form = read_page(page.body)
    fields = [(name, value) for name, value in form.fields if name not in more]
    return browser.post(form.action, [*fields, *more.items(), ("decision", decision)])


def to_callback(session: Session, link: str, *, who: str = "alice", browser: Browser | None = None) -> str:
    """From the link to just before our callback."""
    browser = browser or session.sign_in.browser
    page = browser.get(link)
    assert page.status == 200 and "Connect <bdi>" in page.body, page.body[-900:]
    left = press(browser, page)
    assert left.location.startswith(session.stack.provider.url), left.body[-900:]
    return session.stack.provider.sign_in(left.location, who)


def connect(session: Session, *, who: str = "alice", **changed: str | None) -> Answer:
    """The whole way: what the app gets at its redirect URI."""
    return session.sign_in.browser.get(to_callback(session, link_of(session, **changed), who=who))


def path_of(link: str) -> str:
    return urlsplit(link).path
