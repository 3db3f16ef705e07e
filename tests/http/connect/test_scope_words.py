"""One word of an app's is one scope at the provider, whatever separates scopes there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.http.connect_links import SCOPES, ask, start_linkable, write_second
from tests.kit.http.stack import Parts, Stack
from tests.kit.http.tokens import refusal
from tests.kit.requirement import requirement

JOINED = "notes:read,notes:write"


@pytest.fixture
def commas(parts: Parts, tmp_path: Path) -> Iterator[Stack]:
    """A broker whose second provider separates scopes by commas."""
    write_second(tmp_path)
    file = tmp_path / "second.toml"
    file.write_text(file.read_text().replace("[authorization]\n", '[authorization]\nscope_separator = ","\n'))
    yield Stack(parts, provider_dirs=("local/providers", str(tmp_path)))
    parts.current = None
    parts.provider.faults.reset()


@requirement("AUTHZ-05", "VLT-10")
def test_several_scopes_in_one_word_are_refused_though_the_word_is_registered(commas: Stack) -> None:
    session = start_linkable(commas, scopes=SCOPES | {f"second:{JOINED}", f"demo:{JOINED}"})
    assert refusal(ask(session, scope=JOINED)) == (400, "invalid_scope")
    assert ask(session, scope="notes:read notes:write").status == 200
    asked = commas.authorize_parameters(session.client, provider="second", scope=f"openid second:{JOINED}")
    assert commas.authorize(asked).answered["error"] == "invalid_scope"
    other = commas.authorize_parameters(session.client, provider="demo", scope=f"openid demo:{JOINED}")
    assert commas.authorize(other, commas.browser()).status == 200, "a comma is an ordinary character there"
