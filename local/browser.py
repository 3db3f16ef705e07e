"""A browser for people who read: cookies and forms, no script, and it stops before every redirect."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import IO, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

TIMEOUT_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer; header names in the answer in lower case, `cookies` are names of those set."""

    method: str
    url: str
    sent: dict[str, str]
    body: str
    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    text: str

    @property
    def location(self) -> str:
        """Where the answer leads, by its header or by its page; empty where nowhere."""
        if "location" in self.headers:
            return urljoin(self.url, self.headers["location"])
        return urljoin(self.url, found) if (found := read_page(self.text).refresh) else ""

    def json(self) -> dict[str, Any]:
        """The response as a JSON object; empty if it is not one."""
        try:
            document = json.loads(self.text)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


class Form:
    """A form as it would be sent: hidden fields and what is ticked; `buttons` holds name and value of each button, both
    empty where it adds nothing."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []


class Page(HTMLParser):
    """The parts of a page that matter: its title, its forms, and its automatic redirect."""

    def __init__(self) -> None:
        super().__init__()
        self.title = self.heading = self.refresh = ""
        self.forms: list[Form] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects forms and their fields, and the refresh."""
        given = {name: value or "" for name, value in attrs}
        self._inside = tag if tag in ("title", "h1") else self._inside
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.refresh = given.get("content", "").partition("=")[2].strip("'\" ")
        elif tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms and (given.get("name") or tag == "button"):
            self._field(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """Ends the title or heading."""
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        """Collects title and heading."""
        if self._inside == "title":
            self.title += data
        elif self._inside == "h1":
            self.heading += data

    def _field(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        pair = (given.get("name", ""), given.get("value", "on" if kind == "checkbox" else ""))
        if tag == "button" and kind == "submit":
            self.forms[-1].buttons.append(pair)
        elif tag == "input" and (kind not in ("radio", "checkbox") or "checked" in given):
            self.forms[-1].fields.append(pair)


def read_page(html: str) -> Page:
    """Parse one page."""
    page = Page()
    page.feed(html)
    return page


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917  # as the standard library calls it
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Stop: each redirect is a step to look at."""


class Browser:
    """Keeps cookies between requests.

    handlers     of urllib, for hosts that are not where their names say
    user_agent   what it calls itself
    """

    def __init__(self, *handlers: urllib.request.BaseHandler, user_agent: str = "tour") -> None:
        self._user_agent = user_agent
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect(), cookies, *handlers)

    def get(self, url: str, **headers: str) -> Exchange:
        """One GET; underscores in header names stand for hyphens."""
        return self._send("GET", url, None, {name.replace("_", "-"): value for name, value in headers.items()})

    def post_form(self, url: str, fields: list[tuple[str, str]], **headers: str) -> Exchange:
        """One POST of a form, with the Origin that a browser would send where it is a page's own."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._send("POST", url, urlencode(fields), sent)

    def post_json(self, url: str, document: dict[str, Any], **headers: str) -> Exchange:
        """One POST of a JSON document."""
        return self._send("POST", url, json.dumps(document), {"Content-Type": "application/json", **headers})

    def submit(self, page: Exchange, name: str, value: str, *chosen: tuple[str, str]) -> Exchange:
        """Press one button of the first form of a page. Raises LookupError where there is none such.

        chosen   name and value of what is picked before, where the form lets one choose
        """
        forms = read_page(page.text).forms
        if not forms or (name, value) not in forms[0].buttons:
            raise LookupError(f"the page at {page.url} has no button {name}={value}")
        parts = urlsplit(page.url)
        target = urljoin(page.url, forms[0].action)
        picked = {one for one, _ in chosen}
        fields = [*(field for field in forms[0].fields if field[0] not in picked), *chosen]
        pressed = [(name, value)] if name else []
        return self.post_form(target, [*fields, *pressed], Origin=f"{parts.scheme}://{parts.netloc}")

    def press_allow(self, page: Exchange, provider: str) -> Exchange:
        """Allow what the broker's page asks: by the button of this provider, where there is one for each. Raises
        LookupError."""
        forms = read_page(page.text).forms
        chosen = ("provider", provider)
        return self.submit(page, *(chosen if forms and chosen in forms[0].buttons else ("decision", "allow")))

    def delete(self, url: str, **headers: str) -> Exchange:
        """One DELETE."""
        return self._send("DELETE", url, None, headers)

    def _send(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Exchange:
        data = None if body is None else body.encode()
        request = urllib.request.Request(url, data, {"User-Agent": self._user_agent, **headers}, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return _exchange(request, body, headers, response)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _exchange(request, body, headers, refusal)


def _exchange(request: urllib.request.Request, body: str | None, headers: dict[str, str], response: Any) -> Exchange:
    return Exchange(
        method=request.get_method(),
        url=request.full_url,
        sent=headers,
        body=body or "",
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        cookies=tuple(cookie.partition("=")[0] for cookie in response.headers.get_all("Set-Cookie") or ()),
        text=response.read().decode("utf-8", "replace"),
    )


def query_of(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
