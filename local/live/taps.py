"""Where the live view listens: at the gateway, at the providers, at the app, at the calls to AWS, and at the log."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlencode

from local.fake.simulation import Told
from local.live.exchange import AwsCall, Headers, Lane
from local.live.recorder import Recorder
from local.stack.subscribers import Answered, Answerer

if TYPE_CHECKING:
    from chalicelib.adapters.aws.transport import Transport
    from local.fake.simulation import Simulation
    from local.fake.web import Answer, Received
    from local.stack.http1 import Head

OWN = "live-view"  # the User-Agent of what the view asks for itself
ATTEMPT = f"{OWN}/"  # and of its attacks, with their name behind it
_BROKER = "token-broker"
_PAGES = ("/authorize", "/signin", "/callback/", "/connect/", "/device", "/logout", "/account")


class Taps:
    """All of them, into one recorder.

    issuer   the broker's address, before its paths
    """

    def __init__(self, recorder: Recorder, issuer: str) -> None:
        self.recorder, self._issuer = recorder, issuer

    def answers(self, answer: Answerer) -> Answerer:
        """See local/stack/subscribers.py."""

        def watched(head: "Head", body: bytes, source: Any) -> Answered:
            caller = caller_of_broker(head.method, head.target, head.headers)
            if caller is None:
                return answer(head, body, source)
            exchange = self.recorder.begin(
                caller,
                "broker",
                head.method,
                self._issuer + head.target,
                head.headers,
                body=body,
                **_told_by(head.headers),
            )
            with self.recorder.answering(exchange):
                status, headers, answered = answer(head, body, source)
            self.recorder.end(exchange, status, tuple(headers), answered)
            return status, headers, answered

        return watched

    def transport(self, inner: "Transport") -> "Transport":
        """See local/stack/subscribers.py."""
        return _SeenTransport(inner, self.recorder)

    def log(self, stream: TextIO) -> TextIO:
        """See local/stack/subscribers.py."""
        return _SeenLog(stream, self.recorder)  # type: ignore[return-value]

    def listen_at_provider(self, provider_id: str, provider: "Simulation") -> None:
        """Its requests and answers from now on."""

        def received(request: "Received") -> Told:
            caller = caller_of_provider(request)
            if caller is None:
                return lambda answer: None
            headers = tuple(request.headers.items())
            query = f"?{urlencode(request.query)}" if request.query else ""
            url = provider.locate(request) + query
            exchange = self.recorder.begin(
                caller, "provider", request.method, url, headers, body=request.body, **_told_by(headers, provider_id)
            )
            return lambda answer: self.recorder.end(exchange, *_flatten(answer))

        provider.watch(received)

    def hear_app(self, url: str, headers: Headers, status: int, answer_headers: Headers, body: bytes) -> None:
        """A page of the app that a browser went to."""
        sent = {name.lower(): value for name, value in headers}
        if sent.get("sec-fetch-mode", "navigate") != "navigate" or sent.get("user-agent") == OWN:
            return
        exchange = self.recorder.begin("browser", "app", "GET", url, headers, body=b"", **_told_by(headers))
        self.recorder.end(exchange, status, answer_headers, body)


def caller_of_broker(method: str, target: str, headers: Headers) -> Lane | None:
    """Browsers say whether a person goes somewhere or a script asks; else the path does. None: nothing to show."""
    sent = {name.lower(): value for name, value in headers}
    mode = sent.get("sec-fetch-mode")
    if method == "OPTIONS" or sent.get("user-agent") == OWN or mode == "no-cors":
        return None
    if mode is not None:
        return "browser" if mode == "navigate" else "app"
    return "browser" if target.startswith(_PAGES) and "authorization" not in sent else "app"


def caller_of_provider(request: "Received") -> Lane | None:
    """The broker says who it is; a page's script says so by its mode."""
    mode, agent = request.headers.get("sec-fetch-mode"), request.headers.get("user-agent", "")
    if request.method == "OPTIONS" or agent == OWN or mode == "no-cors":
        return None
    if agent == _BROKER:
        return "broker"
    return "app" if mode == "cors" or (mode is None and request.endpoint == "api") else "browser"


def _told_by(headers: Headers, party: str = "") -> dict[str, str]:
    agent = next((value for name, value in headers if name.lower() == "user-agent"), "")
    return {"party": party, "attempt": agent.removeprefix(ATTEMPT) if agent.startswith(ATTEMPT) else ""}


def _flatten(answer: "Answer | None") -> tuple[int, Headers, bytes]:
    if answer is None:
        return 0, (), b""
    typed = (("content-type", answer.content_type),) if answer.content_type else ()
    return answer.status, (*typed, *answer.headers.items()), answer.body


class _SeenTransport:
    """A transport whose calls are noted with what came of them."""

    def __init__(self, inner: "Transport", recorder: Recorder) -> None:
        self._inner, self._recorder = inner, recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable

        try:
            answer = self._inner.call(operation, payload)
        except AwsRefusal as refusal:
            self._recorder.note_call(AwsCall(operation, payload, {"Item": refusal.item or {}}, refusal.code))
            raise
        except AwsUnreachable as silence:
            self._recorder.note_call(AwsCall(operation, payload, {}, str(silence)))
            raise
        self._recorder.note_call(AwsCall(operation, payload, answer))
        return answer


class _SeenLog:
    """A log whose lines are noted on their way."""

    def __init__(self, stream: TextIO, recorder: Recorder) -> None:
        self._stream, self._recorder = stream, recorder

    def write(self, text: str) -> int:
        """Lines are whole, since the log writes one at a time."""
        for line in text.splitlines():
            self._recorder.note_line(json.loads(line))
        return self._stream.write(text)

    def flush(self) -> None:
        """Of the stream."""
        self._stream.flush()
