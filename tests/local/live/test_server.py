"""The live view's server: its files and policy, whom it refuses, its stream, and its end."""

import json
import threading
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest

from local.demo.demo_stack import DemoStack
from local.demo.live_view.server import LiveServer
from local.demo.live_view.visit import Visit
from local.live.recorder import KEPT, Recorder
from tests.kit.requirement import requirement


def ask(live: LiveServer, path: str, method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection(urlsplit(live.url).netloc, timeout=10)
    connection.request(method, path, headers=headers)
    return connection.getresponse()


@pytest.mark.parametrize("path", ["/", "/live.js", "/details.js", "/style.css", "/theme.css", "/icon.svg"])
def test_its_files_come_with_a_policy(live: LiveServer, path: str) -> None:
    answer = ask(live, path)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status == 200 and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"//cdn" not in answer.read()


@requirement("LIVE-07")
@pytest.mark.parametrize("path", ["/", "/events", "/exchanges/1", "/export.mmd", "/attacks"])
def test_under_another_name_it_answers_nothing(live: LiveServer, path: str) -> None:
    answer = ask(live, path, Host="rebound.example")
    assert answer.status == 403 and b"exchange" not in answer.read()
    assert answer.headers["Access-Control-Allow-Origin"] is None


@requirement("LIVE-07")
@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_a_page_of_another_site_can_do_nothing(live: LiveServer, headers: dict[str, str]) -> None:
    run = live.recorder.run
    before = len(live.recorder.all())
    assert [ask(live, path, "POST", **headers).status for path in ("/forget", "/attacks/replay")] == [403, 403]
    assert live.recorder.run == run and len(live.recorder.all()) == before


@pytest.mark.parametrize(
    "path", ["/exchanges/0", "/exchanges/x", "/exchanges/99999999999999", "/../server.py", "/none"]
)
def test_what_is_not_there_is_not_found(live: LiveServer, path: str) -> None:
    assert ask(live, path).status == 404


@requirement("LIVE-06", "LIVE-07")
def test_a_stream_tells_what_happens_and_ends_with_the_server(stack: DemoStack) -> None:
    recorder = Recorder()
    live = LiveServer(0, "localhost", stack, recorder)
    threading.Thread(target=live.serve_forever, daemon=True).start()
    stream = ask(live, "/events")
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert (stream.readline(), stream.readline()) == (b"event: run\n", b'data: "%s"\n' % stack.app.url.encode())
    exchange = recorder.begin("app", "broker", "GET", "http://x/jwks", (), body=b"", party="", attempt="")
    recorder.end(exchange, 200, (("Content-Type", "application/json"),), b'{"keys": []}')
    told = (json.loads(line[6:]) for line in iter(stream.readline, b"") if line.startswith(b"data: {"))
    answered = next(one for one in told if one["answered"])  # perhaps told before, without its answer
    assert (answered["number"], answered["title"]) == (1, "The app reads the broker's keys")
    live.stop()
    assert stream.read().count(b"event: run") == 0


def test_the_recorder_forgets_the_oldest(stack: DemoStack) -> None:
    recorder = Recorder()
    for _ in range(KEPT + 5):
        recorder.begin("app", "broker", "GET", "http://x/", (), body=b"", party="", attempt="")
    assert len(recorder.all()) == KEPT and recorder.find(5) is None and recorder.find(6)
    follower = recorder.follow()
    (*_, last) = next(follower)[1]
    assert last.number == KEPT + 5
    recorder.forget()
    run, changed = next(follower)
    assert run == recorder.run and changed == []
    first = recorder.begin("app", "broker", "GET", "http://x/", (), body=b"", party="", attempt="")
    recorder.end(last, 200, (), b"")  # begun before, answered after
    assert next(follower)[1] == recorder.all() == [first] and first.number == 1 and not first.answered


def test_what_the_view_asks_for_itself_is_not_drawn(stack: DemoStack, live: LiveServer) -> None:
    visit = Visit(stack)
    visit.redeem(visit.finish(visit.allow()))
    (redeemed,) = (one for one in live.recorder.all()[-1:] if one.path == "/token")
    before = len(live.recorder.all())
    assert ask(live, f"/exchanges/{redeemed.number}").status == 200  # which fetches the keys
    assert len(live.recorder.all()) == before
