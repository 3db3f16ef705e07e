"""A response of a server."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from chalicelib.upstream.http import HttpResponse

_NEXT_COOKIE = re.compile(r",\s*(?=[^\s;,=]+=)")
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*)")


@dataclass(frozen=True)
class Answer:
    """The response from `url`."""

    url: str
    response: HttpResponse

    @property
    def status(self) -> int:
        return self.response.status

    def header(self, name: str) -> str:
        """The value of a header, "" if it is absent."""
        return self.response.headers.get(name, "")

    @property
    def media_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def is_redirect(self) -> bool:
        return self.status in (301, 302, 303, 307, 308)

    @property
    def is_page(self) -> bool:
        return self.media_type in ("text/html", "application/xhtml+xml")

    @property
    def text(self) -> str:
        return self.response.body.decode("utf-8", "replace")

    @property
    def cookies(self) -> list[str]:
        """Every Set-Cookie as it was sent; the fetcher joins repeated headers."""
        return [one for one in _NEXT_COOKIE.split(self.header("set-cookie")) if one]

    @cached_property
    def document(self) -> dict[str, Any]:
        """The JSON object of the body; empty if the body is not one."""
        try:
            found = json.loads(self.response.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def error(self) -> str:
        """The OAuth error code, "" if there is none."""
        found = self.document.get("error")
        return found if isinstance(found, str) else ""


def split(url: str) -> SplitResult:
    """The parts of the URL; empty if the server sent something else."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # it is parsed only when it is asked for
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


def sent_to(answer: Answer, redirect_uri: str) -> dict[str, str] | None:
    """The parameters of a redirect to this address; None if the response redirects elsewhere or nowhere."""
    location = answer.header("location")
    if not answer.is_redirect or not location.startswith(redirect_uri):
        return None
    parts = split(location)
    return dict(parse_qsl(parts.query) + parse_qsl(parts.fragment))


def is_alike(one: Answer, other: Answer) -> bool:
    """Whether two responses lead a browser to the same page, apart from parameter values."""
    here, there = (split(answer.header("location")) for answer in (one, other))
    same_place = (here.netloc, here.path) == (there.netloc, there.path)
    return one.status == other.status and same_place and _TAG.findall(one.text) == _TAG.findall(other.text)
