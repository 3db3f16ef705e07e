"""The developer's box: on a broker on this machine, and nowhere else, a page shows why and what to type next."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib.endpoints.browser.developer_box import REPAIRS
from chalicelib.records.revocation import Revocation
from chalicelib.records.settings import Settings
from cli.explanation.registry import read_registry
from local.stack.machine import LocalMachine
from tests.browser.pages.examples import Reader
from tests.kit.http.browser import DEVELOPER, Answer, request
from tests.kit.http.stack import APP, Stack
from tests.kit.requirement import requirement

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ELSEWHERE = "https://login.example.com"
UNKNOWN = "/authorize?client_id=" + "0" * 32
FIXES = {key: reason.fix for group in read_registry().values() for key, reason in group.reasons.items()}
SECRET = "c4narySecretValue0123456789abcdefghijklmnop"


class Code(HTMLParser):
    """The texts that stand as code, and all text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.codes: list[str] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "code":
            self._inside = True
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "code"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.codes[-1] += data


def look(stack: Stack, path: str, **headers: str) -> Answer:
    """What a browser gets."""
    return request(stack.netloc, "GET", path, headers={**HTML, **headers})


def codes(answer: Answer) -> list[str]:
    """The values and commands of the box."""
    return Code(answer.body.partition(DEVELOPER)[2]).codes


@requirement("RUN-10")
def test_an_error_page_has_reason_values_reference_and_both_commands(stack: Stack) -> None:
    client, _ = stack.client(redirect_uris=("https://other.example/", APP))
    page = stack.authorize(stack.authorize_parameters(client, redirect_uri="https://app.example/Callback/"))
    reason, nearest, other, received, client_id, reference, explain, repair = codes(page)
    assert reason == "redirect_uri_not_registered"
    assert (nearest, other, received) == (APP, "https://other.example/", "https://app.example/Callback/")
    assert "https://app.example/<b>Callback/</b>" in page.body
    assert client_id == client.client_id and explain == f"python3 dev.py broker explain {reference}"
    wanted = f"client update {client.client_id} --add-redirect-uri=https://app.example/Callback/"
    assert repair == f"python3 dev.py broker {wanted}"
    assert page.body.count(reference) == 2, "the box has the reference, so the page has it once beside the command"


@requirement("RUN-10")
def test_what_could_be_a_secret_is_no_part_of_the_box_nor_of_a_command(stack: Stack) -> None:
    client, _ = stack.client()
    for trick in (
        f"https://app.example/{SECRET}",
        f"https://app.example/callback?token={SECRET}",
        f"https://u:{SECRET}@a.example/",
    ):
        page = stack.authorize(stack.authorize_parameters(client, redirect_uri=trick))
        assert page.status == 400 and SECRET not in page.body
        assert "client update" not in page.body, "a command with a shortened value would register another address"


@requirement("RUN-10")
def test_a_received_value_is_text_of_bounded_length_and_one_word_of_a_command(stack: Stack) -> None:
    client, _ = stack.client()
    for trick in ("https://app.example/'\"><b>x</b>$(id);`id`", "https://app.example/" + "a/" * 600):
        page = stack.authorize(stack.authorize_parameters(client, redirect_uri=trick))
        assert page.status == 400 and "<b>x</b>" not in page.body
        assert all(len(code) <= 300 for code in codes(page)[:3])
    page = stack.authorize(stack.authorize_parameters(client, redirect_uri="https://app.example/$(id)'"))
    assert "--add-redirect-uri='https://app.example/$(id)'\"'\"''" in codes(page)[-1]


@requirement("RUN-10")
def test_of_an_unknown_client_the_next_step_is_the_list_and_of_a_disabled_one_its_switch(stack: Stack) -> None:
    assert codes(look(stack, UNKNOWN))[-1] == "python3 dev.py broker client list"
    client, _ = stack.client(marks=Revocation(disabled=True))
    shown = codes(look(stack, f"/authorize?client_id={client.client_id}"))
    assert shown[-1] == f"python3 dev.py broker client enable {client.client_id}" and "disabled" in shown


@requirement("RUN-10")
@pytest.mark.parametrize("path", [UNKNOWN, "/authorize", "/callback/demo?state=x", "/"])
def test_under_another_issuer_no_page_has_a_box_but_the_reference_on_a_line_of_its_own(
    make_stack: Callable[..., Any], path: str
) -> None:
    deployed = make_stack(issuer=ELSEWHERE)
    answer = look(deployed, path, Host="login.example.com")
    assert "text/html" in str(answer.header("content-type"))
    assert "dev.py" not in answer.body and DEVELOPER not in answer.body and "client_unknown" not in answer.body
    references = Code(answer.body).codes
    assert len(references) == (0 if path == "/" else 1)
    if references:
        assert re.fullmatch(r"[0-9a-f-]{36}", references[0]) and "Quote it if you contact support." in answer.body


@requirement("RUN-10")
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_no_header_of_a_request_makes_a_deployed_broker_show_a_box(make_stack: Callable[..., Any], host: str) -> None:
    deployed = make_stack(issuer=ELSEWHERE)
    for path in ("/", UNKNOWN):
        headers = {"Host": host, "X-Forwarded-Host": host, "Forwarded": f"host={host}", "Origin": f"http://{host}"}
        assert "dev.py" not in look(deployed, path, **headers).body


@requirement("RUN-10")
@pytest.mark.parametrize(
    ("issuer", "here"),
    [
        ("http://127.0.0.1:8080", True), ("http://localhost:8080", True), ("http://[::1]:8080/api", True),
        ("https://localhost", True), ("https://login.example.com", False), ("https://localhost.example.com", False),
        ("https://127.0.0.1.example.com", False), ("https://login.example.com/localhost", False),
        ("https://localhost@login.example.com", False), ("http://127.0.0.2:8080", False),
    ],
)  # fmt: skip
def test_the_host_of_the_issuer_says_whether_this_is_a_developers_machine(issuer: str, here: bool) -> None:
    assert Settings(issuer=issuer).is_on_this_machine is here


@requirement("RUN-10")
def test_the_front_page_says_what_runs_on_this_machine(make_stack: Callable[..., Any]) -> None:
    stack = make_stack()
    shown = codes(look(stack, "/"))
    assert shown[0] == stack.settings.issuer and shown[-1].startswith("python3 dev.py broker client create ")
    stack.client()
    machine = LocalMachine(stack.deployment, stack.broker.catalog, simulated=frozenset({"demo"}))
    machine.live = "http://127.0.0.1:8090/"
    stack.broker = replace(stack.broker, machine=machine)
    page = look(stack, "/")
    words = Reader(page.body).words
    assert "1 registered" in words and "Demo Notes (simulated)" in words
    assert Reader(page.body).all("a", href="http://127.0.0.1:8090/")


def test_a_box_offers_the_command_that_explain_gives() -> None:
    assert {reason: f"broker {command}" for reason, command in REPAIRS.items()} == {key: FIXES[key] for key in REPAIRS}
