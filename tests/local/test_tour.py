"""The tour walks all ten steps and shows no secret whole; it notices when a step is not what it promises."""

import io
from collections.abc import Iterator

import pytest

from cli.deployment.local_environment import LOCAL
from local.browser import read_page
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.tour import STEPS, walk
from local.demo.tour_steps import Tour
from local.terminal import Terminal, redact

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def stack() -> Iterator[DemoStack]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LOCAL.items():
            patch.setenv(name, value)
        running = start_demo(io.StringIO(), free_ports=True)
        yield running
        running.stop()


@pytest.fixture
def tour(stack: DemoStack) -> tuple[Tour, io.StringIO]:
    printed = io.StringIO()
    return Tour(stack, Terminal(printed)), printed


def test_all_ten_steps_work_and_no_secret_is_printed(tour: tuple[Tour, io.StringIO]) -> None:
    walked, printed = tour
    assert walk(walked), printed.getvalue()
    text = printed.getvalue()
    assert len(STEPS) == 10 and all(step.title in text for step in STEPS)
    taken = [request.form for request in walked.stack.provider.requests if request.endpoint == "token"][-1]
    secrets = [
        walked.refresh_token,
        walked.code,
        walked.verifier,
        walked.state,
        walked.nonce,
        walked.access_token,
        walked.provider_token,
    ]
    for secret in [*secrets, taken["code"], taken["code_verifier"]]:
        assert len(secret) >= 20 and secret[:16] not in text


def test_a_provider_that_lies_stops_the_tour(tour: tuple[Tour, io.StringIO]) -> None:
    walked, printed = tour
    walked.stack.provider.faults.status = 500
    try:
        assert not walk(walked)
    finally:
        walked.stack.provider.faults.reset()
    assert "Step 4 failed" in printed.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "code=SECRETSECRETSECRETSECRET&x=1",
        "https://a.example/?x=1&state=SECRETSECRETSECRETSECRET",
        'a {"refresh_token": "SECRETSECRETSECRETSECRET"}',
        "Authorization: Bearer SECRETSECRETSECRETSECRET",
        "Authorization: Basic SECRETSECRETSECRETSECRET==",
        "subject_token=SECRETSECRETSECRETSECRET",
        "client_secret=SHORTSECRET",
        "to http://127.0.0.1:8080/connect/SECRETSECRETSECRETSECRET and on",
    ],
)
def test_credentials_are_abbreviated_wherever_they_stand(text: str) -> None:
    assert "SECRETSECRET" not in redact(text) and "SHORTSECRET" not in redact(text)


def test_a_form_is_read_as_a_browser_would_send_it() -> None:
    page = read_page(
        '<title>T &amp; T</title><meta http-equiv="Refresh" content="0; url=/next?a=1&amp;b=2"><form action="/go">'
        '<input type=hidden name=h value="1&amp;2"><input type=checkbox name=c value=on1 checked>'
        "<input type=checkbox name=d value=off><input type=radio name=r value=x checked>"
        "<button name=decision value=allow>Yes</button><button type=button name=no value=no></button></form>"
    )
    assert page.title == "T & T" and page.refresh == "/next?a=1&b=2"
    assert page.forms[0].fields == [("h", "1&2"), ("c", "on1"), ("r", "x")]
    assert page.forms[0].buttons == [("decision", "allow")]


def test_a_button_without_a_name_can_be_pressed() -> None:
    page = read_page('<form action="/back"><input type=hidden name=code value=c><button name="">Go</button>')
    assert page.forms[0].fields == [("code", "c")] and page.forms[0].buttons == [("", "")]
