"""What docs/client-documents.md shows and promises is so."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from chalicelib.records.settings import Settings
from cli.main import build_parser
from tests.flow.documents import URL, Site, app, kept, start_documents
from tests.flow.stack import Stack
from tests.flow.tokens import Session
from tests.requirement import requirement

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client-documents.md").read_text()


@requirement("CIMD-01", "CIMD-03")
def test_the_document_of_the_page_signs_in_and_its_commands_stop_it(
    make_stack: Callable[..., Stack], site: Site
) -> None:
    stack = start_documents(make_stack, site)
    (document,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(document)["client_id"] == URL
    site.put(document)
    sign_in = stack.sign_in(app(), scope="openid profile offline_access")
    session = Session(stack, sign_in, stack.redeem(sign_in).json)
    assert session.userinfo().status == 200
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    seen = []
    for line in commands.splitlines():
        options = build_parser().parse_args(shlex.split(line)[1:])
        options.act(stack.deployment, options)
        client = kept(stack)
        assert client is not None
        seen.append((client.marks.disabled, session.userinfo().status))
    assert seen == [(False, 200), (True, 401), (False, 401)]


def test_the_settings_that_it_names_are_as_it_says() -> None:
    defaults = Settings(issuer="https://broker.example")
    named = dict(re.findall(r"`BROKER_([A-Z_]+)` \((\d+)\)", PAGE))
    assert len(named) == 4
    assert {name: str(getattr(defaults, name.lower())) for name in named} == named
    assert not defaults.client_id_documents
