"""One request and its answer, as they came over the wire, with what the broker did meanwhile."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl, urljoin, urlsplit

from local.browser import read_page

Lane = Literal["browser", "app", "broker", "provider"]
LANES: tuple[Lane, ...] = ("browser", "app", "broker", "provider")
Headers = tuple[tuple[str, str], ...]
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class AwsCall:
    """One call to DynamoDB or KMS: `refused` is AWS's name for a refusal, and then there is no answer."""

    operation: str
    payload: Mapping[str, Any]
    answer: Mapping[str, Any]
    refused: str = ""


@dataclass(frozen=True)
class Message:
    """One half of an exchange. Header names in lower case."""

    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """The first value; empty where there is none."""
        return next((value for given, value in self.headers if given == name), "")

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is not one."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form."""
        if not self.header("content-type").startswith(FORM):
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def is_page(self) -> bool:
        """HTML for a person."""
        return self.header("content-type").startswith("text/html")


@dataclass
class Exchange:
    """One arrow and the one that comes back.

    asked, answered   places in the order of all messages; answered 0: not yet
    status            0: the connection ended without an answer
    calls, log        what the broker asked of AWS and wrote into its log while it answered
    attempt           the name of the attack that it belongs to; "" for what a person does
    """

    number: int
    asked: int
    caller: Lane
    callee: Lane
    party: str
    method: str
    url: str
    request: Message
    attempt: str = ""
    answered: int = 0
    status: int = 0
    answer: Message = Message((), b"")
    calls: list[AwsCall] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Of its URL."""
        return urlsplit(self.url).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The parameters of its URL."""
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def sent(self) -> dict[str, str]:
        """The parameters of query and form, by name."""
        return dict([*self.query, *self.request.form])

    @property
    def leads_to(self) -> str:
        """Where the answer sends the browser, by its header or by its page; empty where nowhere."""
        found = self.answer.header("location")
        if not found and self.answer.is_page:
            found = read_page(self.answer.body.decode("utf-8", "replace")).refresh
        return urljoin(self.url, found) if found else ""

    @property
    def state(self) -> Literal["open", "fine", "failed"]:
        """Failed: no answer, an error, or one that is carried on by a redirect."""
        if not self.answered:
            return "open"
        carried = dict(parse_qsl(urlsplit(self.leads_to).query))
        return "failed" if self.status == 0 or self.status >= 400 or "error" in carried else "fine"
