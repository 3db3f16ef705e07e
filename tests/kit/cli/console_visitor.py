"""What visits a console: a browser of few words, whose headers a test may replace."""

import http.client
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from cli.console.server import ConsoleServer

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def csrf(self) -> str:
        """The token in its form."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        assert found, self.text
        return found[1]


@dataclass
class Visitor:
    """Sends what a browser sends: `headers` replace its own, and a header that is None is not sent."""

    server: ConsoleServer
    cookie: str = ""
    own: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    @property
    def base(self) -> str:
        return self.server.console.session.base

    def send(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str | None] | None = None
    ) -> Answer:
        """One request to the port of the console, whatever it says of its host."""
        sent: dict[str, str | None] = {"Host": self.server.host, **self.own, "Cookie": self.cookie, **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() if body is not None else None)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        """A page of the console."""
        return self.send("GET", self.base + path, headers=_named(headers))

    def post(self, path: str, form: dict[str, str], **headers: str | None) -> Answer:
        """A form as a browser sends it; `form` has its csrf or has not."""
        own: dict[str, str | None] = {"Origin": f"http://{self.server.host}", "Content-Type": FORM}
        return self.send("POST", self.base + path, urlencode(form), own | _named(headers))

    def submit(self, page: str, path: str, **form: str) -> Answer:
        """A form with the token of the page that shows it."""
        return self.post(path, {"csrf": self.get(page).csrf, **form})


def _named(headers: dict[str, str | None]) -> dict[str, str | None]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
