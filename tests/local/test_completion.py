"""The completion of `token-broker` in bash, zsh and fish."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from local.completion import command
from local.completion.words import read_levels
from local.installed import COMMANDS
from tests.kit.requirement import requirement

# What each shell does when Tab is pressed: the script is read, and the offered words are printed, one a line.
PRESS = {
    "bash": """
        script=$1; shift
        source "$script"
        COMP_WORDS=(token-broker "$@"); COMP_CWORD=$#
        _token_broker
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "zsh": """
        script=$1; shift
        compdef() { : }
        _files() { print files }
        compset() { PREFIX=${PREFIX#*=} }
        _describe() { local -a all; all=(${(P)2}); print -l -- ${${(M)all:#$PREFIX*}%%:*} }
        source $script
        words=(token-broker "$@") CURRENT=$(($# + 1)) PREFIX=${@[-1]}
        _token_broker
    """,
    "fish": """
        source $argv[1]
        complete -C "token-broker $argv[2..]"
    """,
}
CASES = [
    (["cl"], {"client"}),
    (["de"], {"demo", "device"}),
    (["client", "cr"], {"create"}),
    (["client", "create", "--hando"], {"--handout"}),
    (["client", "create", "--handout", ""], {"none", "proxy", "token"}),
    (["client", "create", "--name", "demo", "--handout", "t"], {"token"}),
    (["--stack", "serve", "keys", "ro"], {"rotate"}),
    (["demo", "--provider", "githu"], {"github", "github-app"}),
    (["completion", "z"], {"zsh"}),
    (["client", "secret", "rot"], {"rotate"}),
]


@pytest.fixture(scope="module", params=PRESS)
def shell(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture(scope="module")
def script(shell: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("a shell") / f"completion.{shell}"
    path.write_text(command.SHELLS[shell](read_levels()), encoding="utf-8")
    return path


def press_tab(shell: str, script: Path, words: Sequence[str]) -> set[str]:
    arguments = [script, *words]
    quiet = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    first = [] if shell == "fish" else [shell]
    done = subprocess.run(
        [shell, *quiet, "-c", PRESS[shell], *first, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return {line.partition("\t")[0] for line in done.stdout.splitlines() if line}


@requirement("START-04")
@pytest.mark.parametrize(("words", "offered"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_tab_offers_the_words_of_that_command(shell: str, script: Path, words: list[str], offered: set[str]) -> None:
    assert press_tab(shell, script, words) == offered


@requirement("START-04")
def test_the_options_and_commands_of_a_level_are_offered_and_no_others(shell: str, script: Path) -> None:
    levels = {level.path: level for level in read_levels()}
    assert press_tab(shell, script, ["client", ""]) >= {"create", "list", "show"}
    assert press_tab(shell, script, [""]) >= set(COMMANDS)
    assert press_tab(shell, script, ["client", "list", "--"]) == {
        word for word in levels["/client/list"].words if word.startswith("--")
    }


@requirement("START-04")
def test_every_command_is_a_level(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [level.path for level in read_levels()]
    assert len(paths) == len(set(paths)) > 60
    assert {f"/{name}" for name in COMMANDS} < set(paths)
    for shell in command.SHELLS:
        assert command.main([shell]) == 0
        script = capsys.readouterr().out
        assert "/client/create --handout" in script and "dev.py" not in script.replace("python3 dev.py", "")
