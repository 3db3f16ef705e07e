"""docs/dpop.md: its commands are ours, its app works as it stands, its words are what the broker says."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dev
from chalicelib.protocol import errors
from chalicelib.records.settings import Settings
from cli.main import build_parser
from cli.operations import find_client
from tests.flow.proxied import Api, start_proxied
from tests.flow.stack import Parts, Stack, own_parts
from tests.flow.tokens import read_claims

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "dpop.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()]


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """A broker's surroundings of its own."""
    with own_parts() as parts:
        yield parts


@pytest.mark.parametrize("wanted", ["optional", "required"])
def test_the_app_works_as_it_stands(parts: Parts, tmp_path: Path, wanted: str) -> None:
    api = Api(tmp_path)
    stack: Stack = start_proxied(lambda **more: Stack(parts, dpop_nonce=wanted, **more), api, tmp_path).stack
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (register,) = [words for words in COMMANDS if "client" in words]
    options = build_parser().parse_args(register[3:])
    client_id = options.act(stack.deployment, options)["client_id"]
    client = find_client(stack.deployment, client_id)
    sign_in = stack.sign_in(client, scope="openid offline_access demo:notes:read")
    names: dict[str, Any] = {
        "BROKER": stack.settings.issuer,
        "CLIENT_ID": client_id,
        "CODE": sign_in.code,
        "VERIFIER": sign_in.verifier,
        "REDIRECT_URI": sign_in.redirect_uri,
    }
    exec(compile(program, "docs/dpop.md", "exec"), names)
    api.stop()
    assert names["who"]["sub"] and names["notes"] == {"fine": True}
    assert names["tokens"]["token_type"] == "DPoP"
    assert read_claims(names["tokens"]["access_token"])["cnf"] == {"jkt": names["key"].thumbprint()}
    assert (names["nonce"] is not None) is (wanted == "required")


def test_every_command_word_and_setting_is_one_of_the_brokers() -> None:
    assert {words[2] for words in COMMANDS} <= set(dev.COMMANDS)
    build_parser().parse_args(["client", "update", "0" * 32, "--dpop-bound", "yes"])
    told = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE))
    classes = (errors.InvalidDpopProof, errors.UseDpopNonce, errors.InvalidToken, errors.InvalidGrant)
    assert told == {one.code for one in classes}
    settings = {name.removeprefix("BROKER_").lower() for name in re.findall(r"BROKER_[A-Z_]+", PAGE)}
    assert settings == {name for name in Settings.__struct_fields__ if name.startswith("dpop_")}
