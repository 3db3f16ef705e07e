"""The commands on the pages do what the pages say, in their order."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.kit.http.documents import URL, Site, app, kept, start_documents
from tests.kit.http.stack import Parts, Stack, own_parts
from tests.kit.http.tokens import Session
from tests.kit.markdown import read
from tests.kit.requirement import requirement
from tests.repo.docs.doc_examples import Shell, examples


@pytest.fixture
def parts() -> Iterator[Parts]:
    """A broker's surroundings of its own."""
    with own_parts() as parts:
        yield parts


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.stop()


@requirement("REG-01", "REG-05")
def test_a_client_registers_reads_changes_and_ends_itself_as_the_page_says(parts: Parts) -> None:
    shell = Shell(Stack(parts, registration="token"))
    create, listing, register, get, put, delete = examples("docs/registration.md", "sh")
    (made,) = shell.run(create)
    shell.learn(made)
    (answer,) = shell.run(register)
    assert answer.status == 201
    shell.learn(answer.json)
    rows, revoked = shell.run(listing)
    assert (rows[0]["used"], rows[0]["over"], revoked["revoked"]) == (1, True, True)
    for block in (get, put):
        (answer,) = shell.run(block)
        assert answer.status == 200, answer.body
        shell.learn(answer.json)
    assert answer.json["client_name"] == "My Other App"
    for _ in range(2):
        (ended,) = shell.run(delete)
        assert ended.status == 204


@requirement("CIMD-01", "CIMD-03")
def test_the_document_of_the_page_signs_in_and_its_commands_stop_it(parts: Parts, site: Site) -> None:
    def make_stack(**options: Any) -> Stack:
        return Stack(parts, **options)

    stack = start_documents(make_stack, site)
    (document,), (commands,) = examples("docs/client-documents.md", "json"), examples("docs/client-documents.md", "sh")
    assert json.loads(document.text)["client_id"] == URL
    site.put(document.text)
    sign_in = stack.sign_in(app(), scope="openid profile offline_access")
    session = Session(stack, sign_in, stack.redeem(sign_in).json)
    assert session.userinfo().status == 200
    seen = []
    for line in commands.text.splitlines():
        Shell(stack).run(commands._replace(text=line))
        client = kept(stack)
        assert client is not None
        seen.append((client.marks.disabled, session.userinfo().status))
    assert seen == [(False, 200), (True, 401), (False, 401)]


@requirement("OPS-08")
def test_the_explanation_on_the_page_is_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (command,) = examples("docs/explain.md", "sh")
    error_id = command.text.split()[-1]
    evidence = {
        "endpoint": "GET /authorize",
        "client_id": "0f" * 16,
        "expected": ["https://app.example/callback"],
        "received": "https://app.example/Callback/",
    }
    at = int(time.mktime(time.strptime("2026-07-28 09:14:03", "%Y-%m-%d %H:%M:%S"))) - time.timezone
    line = {"at": at, "event": "refused", "error": "invalid_request", "reason": "redirect_uri_not_registered"}
    (tmp_path / "log").write_text(json.dumps({**line, "error_id": error_id, "evidence": evidence}) + "\n")
    assert main(["explain", error_id, "--log", str(tmp_path / "log")]) == 0
    shown = re.findall(r"```\n(refused.*?)```", read("docs/explain.md"), re.DOTALL)[0]
    assert capsys.readouterr().out == shown
