"""Wrong words at any depth: the nearest right ones, and the help of the command that was meant."""

import argparse
from collections.abc import Iterator

import pytest

from chalicelib.protocol.device_code import DEVICE_CODE
from cli.main import build_parser
from cli.parser import CommandParser
from local.fake import command as simulate
from tests.kit import ROOT
from tests.kit.cli.operator import Operator
from tests.kit.requirement import requirement

CREATE = ("client", "create", "--name", "App", "--redirect-uri", "https://app.example/cb")


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")


@requirement("RUN-06")
@pytest.mark.parametrize("verb", ["show", "test", "set"])
def test_a_mistyped_provider_names_the_nearest(broker: Operator, verb: str) -> None:
    more = ["--client-id", "ours"] if verb == "set" else []
    broker("provider", verb, "githb", *more).refused("no such provider file: githb", "did you mean github?")
    broker("provider", verb, "zzzzzz", *more).refused("no such provider file: zzzzzz", "broker provider list")


@requirement("RUN-06")
def test_a_mistyped_provider_to_simulate_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.main(["githb"]) == 2
    assert capsys.readouterr().err == "dev.py provider: there is no provider file githb; did you mean github?\n"


@requirement("RUN-06")
@pytest.mark.parametrize(
    ("words", "command", "meant"),
    [
        (["client", "update", "0" * 32, "--redirect-uri", "https://a.example"], "client update", "--add-redirect-uri"),
        (["client", "update", "0" * 32, "--scope", "openid"], "client update", "--add-scope"),
        (["client", "update", "0" * 32, "--native"], "client update", "redirect URIs"),
        (["clients", "list"], "", "did you mean client?"),
        (["provider", "lst"], "provider", "did you mean list?"),
        (["client", "create", "--nmae", "X", "--name", "X"], "client create", "did you mean --name?"),
        (["client", "create", "--name", "X", "--handout", "tokn"], "client create", "did you mean token?"),
        (["client", "create"], "client create", "--name"),
    ],
)
def test_wrong_words_name_the_nearest_and_the_help_of_their_own_command(
    broker: Operator, words: list[str], command: str, meant: str
) -> None:
    done = broker(*words)
    prog = f"dev.py broker {command}".rstrip()
    assert done.code == 2 and done.err.startswith(f"{prog}: error: ") and meant in done.err
    assert done.err.endswith(f"\n  next: python3 {prog} --help\n") and len(done.err.splitlines()) == 2


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and every one below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


@requirement("RUN-06")
def test_every_command_has_the_one_parser() -> None:
    assert all(isinstance(one, CommandParser) for one in parsers(build_parser()))
    for folder in ("cli", "local", "bench", "demo"):
        for file in (ROOT / folder).rglob("*.py"):
            assert "argparse.ArgumentParser(" not in file.read_text(), file


@requirement("RUN-06")
def test_an_update_changes_what_create_made_and_asks_users_again_for_more(broker: Operator) -> None:
    made = broker.made(*CREATE, "--handout", "proxy", "--provider", "github")
    update = ("client", "update", made["client_id"])
    less = broker.made(*update, "--handout", "none", "--client-uri", "https://app.example/")
    assert (less["handout"], less["client_uri"], less["revision"]) == ("none", "https://app.example/", made["revision"])
    assert not [one for one in less["grant_types"] if "token-exchange" in one]
    more = broker.made(*update, "--handout", "token", "--add-grant-type", DEVICE_CODE)
    assert more["handout"] == "token" and more["revision"] > less["revision"]
    assert {one.rpartition(":")[2] for one in more["grant_types"]} >= {"device_code", "token-exchange"}
    for words, field, value in (
        (("--name", "Another"), "client_name", "Another"),
        (("--provider", "github", "--provider", "google"), "providers", ["github", "google"]),
    ):
        changed = broker.made(*update, *words)
        assert changed[field] == value and changed["revision"] == more["revision"] + 1
        more = changed
    fewer = broker.made(*update, "--provider", "google", "--client-uri", "", "--login-uri", "https://app.example/in")
    assert (fewer["providers"], fewer["client_uri"], fewer["revision"]) == (["google"], None, more["revision"])
    broker(*update, "--provider", "githb").refused("did you mean github?")
    broker(*update, "--name", " ").refused("printable")
    broker(*update, "--login-uri", "http://app.example").refused("https")


@requirement("RUN-07")
def test_what_create_prints_is_what_to_copy_and_what_comes_next(broker: Operator) -> None:
    create = (*CREATE, "--auth-method", "client_secret_basic", "--scope", "openid github:repo")
    printed = broker(*create).out
    lines = dict(line.split(maxsplit=1) for line in printed.partition("\nnext:\n")[0].splitlines())
    assert lines["issuer"] == broker.environ["BROKER_ISSUER"] and lines["redirect_uri"] == "https://app.example/cb"
    assert f"export BROKER={lines['issuer']} CLIENT_ID={lines['client_id']}\n" in printed
    assert lines["client_secret"].endswith("(shown only now)") and "warning: it may request github:repo" in printed
    assert len(printed.splitlines()) < 15
    shown = broker.made("client", "show", lines["client_id"])
    assert shown.keys() <= broker.made(*create).keys() and "client_secret" not in shown
