"""The pages over one deployment: empty at first, then with what the commands made."""

import html
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.config import read_settings
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from chalicelib.records.job import Job
from chalicelib.records.subject import Subject
from cli.command_audit import CHANGES_NOTHING
from cli.commands.keys import PURPOSES
from cli.console.server import ConsoleServer
from cli.console.views import PAGES
from cli.deployment.operations import Deployment, create_client, find_client, update_client
from tests.kit.cli.console_visitor import Visitor
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

HOSTILE = '<img src=x onerror="alert(1)">&{{7*7}}\u202e'
CONNECTION = Connection(
    connection_id="c" * 32, sub="somebody", client_id="f" * 32, provider_id="demo", status="active",
    token_generation=1, connected_at=1_764_000_000, connected_by="n", granted=frozenset({"notes:read"}),
)  # fmt: skip
# The doctor finds its deployment in the environment; a provider on loopback cannot be called; a form needs a query.
APART = ("/health", "/providers/{provider_id}/check", "/actions/{slug}")
PATHS = {"client_id": "none", "provider_id": "demo", "sub": "somebody", "connection_id": "c" * 32}


@pytest.fixture(scope="module")
def deployment(broker: Operator) -> Deployment:
    """As the console reaches it."""
    return Deployment(read_settings(broker.environ))


@pytest.fixture(scope="module")
def made(broker: Operator, deployment: Deployment) -> str:
    """Keys, a client with a hostile name, a user with a connection, two jobs; the client's id."""
    broker.made("init")
    client = broker.made("client", "create", "--name", "Notes", "--redirect-uri", "https://app.example/callback")
    update_client(deployment, find_client(deployment, client["client_id"]), client_name=HOSTILE)
    deployment.store.put_subject(Subject(sub="somebody", session_salt=b"s" * 16, created_at=1_764_000_000))
    deployment.put(connection_item_key("c" * 32), CONNECTION)
    job = Job(kind="revoke", job_id="one", due_at=1_764_000_000, created_at=1_764_000_000, provider_id="demo", tries=3)
    deployment.store.put_job(job)
    deployment.store.put_job(replace(job, kind="erase", job_id="two", due_at=99_999_999_999, sub="somebody"))
    return str(client["client_id"])


def text_of(page: str) -> str:
    """What a person reads."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page.partition("<main")[2])))


@requirement("CONSOLE-05")
def test_before_anything_is_there_each_page_says_how_to_begin(visitor: Visitor, broker: Operator) -> None:
    assert "broker client create --name" in text_of(visitor.get("/clients").text)
    assert "broker provider set github" in text_of(visitor.get("/providers").text)
    assert "dev.py demo" in text_of(visitor.get("/connections").text)
    assert "broker init" in text_of(visitor.get("/keys").text)
    assert "everything is done" in text_of(visitor.get("/jobs").text)
    assert "Nothing was recorded" in text_of(visitor.get("/audit").text) or "keys do not exist" in text_of(
        visitor.get("/audit").text
    )
    assert visitor.get("/").status == 200


@requirement("CONSOLE-05")
@pytest.mark.parametrize("pattern", [one for one in PAGES if one not in APART])
def test_each_page_says_which_command_shows_the_same(visitor: Visitor, made: str, pattern: str) -> None:
    path = pattern.format(**PATHS | {"client_id": made, "error_id": "refused-1", "reason": "code_replayed"})
    answer = visitor.get(path)
    assert answer.status == 200, answer.text
    assert pattern == "/reasons/{reason}" or "dev.py broker " in answer.text
    assert HOSTILE not in answer.text and "<b>evil" not in answer.text and "onerror=" not in _tags(answer.text)


def _tags(page: str) -> str:
    return " ".join(re.findall(r"<[a-z][^>]*>", page))


@requirement("CONSOLE-05")
def test_a_clients_page_has_what_the_command_says(visitor: Visitor, broker: Operator, made: str) -> None:
    row, shown = broker.made("client", "show", made), text_of(visitor.get(f"/clients/{made}").text)
    for value in (row["client_id"], row["client_name"], *row["redirect_uris"], row["scope"]):
        assert re.sub(r"\s+", " ", value) in shown
    assert "No secret" not in shown and "hash" not in shown


@requirement("CONSOLE-05")
def test_jobs_are_listed_with_the_next_one_first(visitor: Visitor, broker: Operator, made: str) -> None:
    rows = broker.made("jobs", "list")
    assert [(row["job"], row["state"], row["tries"]) for row in rows] == [("revoke", "due", 3), ("erase", "waiting", 3)]
    shown = text_of(visitor.get("/jobs").text)
    assert "2 jobs, 1 due" in shown and shown.index("revoke") < shown.index("erase")


@requirement("CONSOLE-05")
def test_a_user_is_found_by_sub_and_shown_with_connections(visitor: Visitor, broker: Operator, made: str) -> None:
    row = broker.made("user", "show", "somebody")
    assert (row["user"], row["connections"], row["disabled"]) == ("somebody", 1, False)
    found = visitor.submit("/users", "/users", sub="somebody")
    assert (found.status, found.headers["Location"]) == (303, f"{visitor.base}/users/somebody")
    shown = visitor.get("/users/somebody").text
    assert "Connections 1" in text_of(shown) and f'href="{visitor.base}/connections?user=somebody"' in shown
    nobody = visitor.submit("/users", "/users", provider="demo", account="12345", issuer="https://demo.example")
    assert nobody.status == 400 and "no user has the account 12345 at demo" in text_of(nobody.text)
    broker("user", "show", "nobody").refused("no such user", "broker connection list")


@requirement("CONSOLE-05")
def test_connections_are_filtered_as_by_the_command(visitor: Visitor, made: str) -> None:
    assert "c" * 32 in visitor.get("/connections?provider=demo&alive=yes").text
    assert "No connection matches" in visitor.get("/connections?provider=other").text
    hostile = visitor.get("/connections?user=--help")
    assert hostile.status == 200 and "No connection matches" in hostile.text


@requirement("CONSOLE-05")
@pytest.mark.parametrize("name", ["--help", "-x", "--json", "../keys", "a b", "%00", "é", "x" * 3000])
@pytest.mark.parametrize("kind", ["clients", "providers", "users", "connections", "refusals"])
def test_an_id_is_a_value_whatever_it_begins_with(visitor: Visitor, made: str, kind: str, name: str) -> None:
    answer = visitor.get(f"/{kind}/{quote(name, safe='')}")
    assert answer.status == 400 and 'role="alert"' in answer.text, answer.text


@requirement("CONSOLE-05")
def test_a_refusal_is_found_in_the_log_and_explained(visitor: Visitor, made: str) -> None:
    listed = text_of(visitor.get("/refusals").text)
    assert "1 refusal in the last hour" in listed and "code_replayed" in listed
    led = visitor.submit("/refusals", "/refusals", sought="refused-1")
    assert led.headers["Location"] == f"{visitor.base}/refusals/refused-1"
    shown = text_of(visitor.get("/refusals/refused-1").text)
    assert "What to do" in shown and "error=invalid_grant" in shown
    assert (
        visitor.submit("/refusals", "/refusals", sought="code_replayed")
        .headers["Location"]
        .endswith("/reasons/code_replayed")
    )
    assert visitor.get("/reasons/none").status == 404


def test_the_overview_counts_requests_sign_ins_and_alarms(visitor: Visitor, made: str) -> None:
    shown = text_of(visitor.get("/").text)
    assert "Requests: 1 answered, 1 refused, 0 failed" in shown
    assert "Sign-ins: 1" in shown and "handout_limit" in shown and "whose=user" in shown
    assert "Requests: 1 answered" in text_of(visitor.get("/?minutes=1440").text)
    assert visitor.get("/?minutes=9999999").status == 200


def test_hundreds_of_clients_are_paged_and_searched(visitor: Visitor, deployment: Deployment, made: str) -> None:
    first_one = find_client(deployment, made)
    for number in range(120):
        about = {"client_name": f"App {number:03d}", "redirect_uris": (f"https://app{number}.example/callback",)}
        create_client(deployment, replace(first_one, client_id="", **about))
    first, last = visitor.get("/clients").text, visitor.get("/clients?page=3").text
    assert "1 to 50 of " in text_of(first) and "Previous" not in first
    assert "101 to 121 of 121" in text_of(last) and "Next" not in text_of(last) and "App 119" in last
    for page in ("0", "-1", "99999999999", "x", "4"):
        assert visitor.get(f"/clients?page={page}").status == 200
    one = text_of(visitor.get("/clients?q=app77.example").text)
    assert "1 of 121 clients" in one and "App 077" in one
    assert "No client matches" in visitor.get("/clients?q=nothing-like-it").text


def test_a_page_never_changes_anything(server: ConsoleServer) -> None:
    with pytest.raises(ValueError, match="changes the deployment"):
        server.console.runner.read("client", "delete", "--", "x")
    assert "client delete" not in CHANGES_NOTHING


def test_what_aws_refuses_is_said_in_the_page(visitor: Visitor, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor.server.console.runner.deployment.dynamodb, "call", _expired)
    shown = visitor.get("/clients")
    assert shown.status == 400 and "AWS credentials have expired" in text_of(shown.text)
    assert visitor.get("/").status == 200


def _expired(operation: str, payload: object) -> object:
    raise AwsRefusal("ExpiredTokenException")


def test_a_fault_of_the_console_is_a_page_and_a_trace_at_the_terminal(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(visitor.server.console.runner, "read", None)
    shown = visitor.get("/clients")
    assert shown.status == 500 and "The console has a fault" in shown.text and "TypeError" not in shown.text
    assert "TypeError" in capsys.readouterr().err
    assert shown.headers["Cache-Control"] == "no-store"


def test_keys_are_listed_without_a_key(visitor: Visitor, made: str) -> None:
    shown = text_of(visitor.get("/keys").text)
    assert all(purpose in shown for purpose in PURPOSES) and "10 keysets" in shown


def test_the_command_says_where_a_port_is_taken(typed: Callable[..., Done], server: ConsoleServer) -> None:
    typed("console", "--port", str(server.server_port)).refused("cannot be used", "omit --port")
    typed("console", "--port", "70000").refused("omit --port")
