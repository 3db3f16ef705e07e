"""A browser reduced to what the protocol sees: a cookie jar, forms, and redirects that are followed by hand."""

import http.client
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
DEVELOPER = '<section class="dev '  # from here on, a page differs between one refusal and the next


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: `headers` in order, names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def challenge(self) -> str | None:
        """The broker's WWW-Authenticate, under the name that API Gateway gives it: no client sees the usual one."""
        assert self.header("www-authenticate") is None, "the gateway renames it"
        return self.header("x-amzn-remapped-www-authenticate")

    def headers_named(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    @property
    def location(self) -> str:
        """Where the answer leads: a redirect, or the page with a meta refresh that leaves our site."""
        redirect = self.header("location")
        return redirect if redirect is not None else read_page(self.body).refresh

    @property
    def posts_to(self) -> str:
        """Where the form of the page leads."""
        return read_page(self.body).action

    @property
    def answered(self) -> dict[str, str]:
        """The parameters that the app gets at its redirect URI, by a redirect or a form."""
        if not self.location:
            return dict(read_page(self.body).fields)
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


class Page(HTMLParser):
    """Forms and meta refresh of one of our pages."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []
        self.action = ""
        self.refresh = ""
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = got.get("action", "")
        kind = got.get("type", "text")
        if (tag == "input" and kind == "hidden") or (tag == "input" and "checked" in got):
            self.fields.append((got.get("name", ""), got.get("value", "")))
        if tag == "button":
            self.buttons.append((got.get("name", ""), got.get("value", "")))
        if tag == "meta" and got.get("http-equiv", "").lower() == "refresh":
            self.refresh = got["content"].partition("=")[2].strip("'\"")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_page(html: str) -> Page:
    """Parse one page."""
    page = Page()
    page.feed(html)
    return page


@dataclass
class Browser:
    """One browser at one broker. Cookies are kept by name, as for one host."""

    netloc: str
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)

    def get(self, target: str, **headers: str) -> Answer:
        """GET a path, or an absolute URL of this broker."""
        return self.send("GET", target, headers=headers)

    def post(self, target: str, fields: Any, **headers: str) -> Answer:
        """POST a form as a page of ours would: with Origin."""
        origin = {"Origin": f"http://{self.netloc}", **headers}
        return self.send("POST", target, body=urlencode(fields), headers={"Content-Type": FORM, **origin})

    def send(
        self, method: str, target: str, *, body: str | bytes = "", headers: dict[str, str] | None = None
    ) -> Answer:
        """One request with this browser's cookies; its Set-Cookie headers are obeyed."""
        parts = urlsplit(target)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        answer = request(self.netloc, method, path, body=body, headers={**sent, **(headers or {})})
        for header in answer.headers_named("set-cookie"):
            self.set_cookies.append(header)
            name, _, rest = header.partition("=")
            if "Max-Age=0" in header:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = rest.partition(";")[0]
        return answer


def request(
    netloc: str, method: str, path: str, *, body: str | bytes = "", headers: dict[str, str] | None = None
) -> Answer:
    """One HTTP request, nothing followed, nothing remembered."""
    connection = http.client.HTTPConnection(netloc, timeout=30)
    try:
        connection.request(method, path, body=body or None, headers=headers or {})
        response = connection.getresponse()
        content = response.read().decode("utf-8", "replace")
        names = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, names, content)
    finally:
        connection.close()
