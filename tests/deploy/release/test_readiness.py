"""A release is refused, with the next step, where the tree, the versions or the changelog are not ready."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.package.package import PackagingError
from local.release import command
from local.release.artifacts import SUMS, check_replaceable
from local.release.changelog import find_section
from local.release.readiness import Refused, check_readiness
from local.release.versions import REPEATED, SOURCE, read_version
from tests.kit import ROOT
from tests.kit.repo.clone import commit, git
from tests.kit.requirement import requirement

CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 0.2.0\n\n- New.\n\n## 0.1.0\n\n- Old.\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clone that is ready to release 0.2.0."""
    for name in REPEATED:
        (tmp_path / name).parent.mkdir(parents=True)
    for name in (SOURCE, "clients/python/pyproject.toml"):
        (tmp_path / name).write_text('[project]\nname = "a"\nversion = "0.2.0"\n')
    (tmp_path / "clients/javascript/package.json").write_text(json.dumps({"version": "0.2.0"}, indent=2))
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


@requirement("DLV-08")
def test_a_clean_commit_with_one_version_and_notes_is_ready(tree: Path) -> None:
    assert check_readiness(tree) == "0.2.0"
    git(tree, "tag", "v0.2.0")
    assert check_readiness(tree) == "0.2.0"


def leave_a_file(tree: Path) -> None:
    (tree / "left.txt").write_text("")


def change_a_file(tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text(CHANGELOG + "- More.\n")


def differ(tree: Path) -> None:
    (tree / "clients/javascript/package.json").write_text(json.dumps({"version": "0.1.0"}, indent=2))
    commit(tree)


def state_no_number(tree: Path) -> None:
    (tree / SOURCE).write_text('[project]\nversion = "0.2"\n')
    commit(tree)


def write(text: str) -> Callable[[Path], None]:
    def act(tree: Path) -> None:
        (tree / "CHANGELOG.md").write_text(text)
        commit(tree)

    return act


def tag_another_commit(tree: Path) -> None:
    git(tree, "tag", "v0.2.0")
    commit(tree)


@requirement("DLV-08")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (leave_a_file, r"uncommitted changes; commit or remove them:\n  \?\? left.txt"),
        (change_a_file, r"uncommitted changes; commit or remove them:\n   M CHANGELOG.md"),
        (differ, r"states 0.2.0, but clients/javascript/package.json states 0.1.0; run .*--prepare 0.2.0"),
        (state_no_number, "states the version '0.2'; it must be three numbers"),
        (write("# Changelog\n\n## 0.1.0\n\n- Old.\n"), "has no section '## 0.2.0'; run .*--prepare 0.2.0"),
        (write("# Changelog\n\n## 0.2.0\n\n## 0.1.0\n\n- Old.\n"), "has nothing in its section '## 0.2.0'"),
        (write(CHANGELOG.replace("Unreleased\n", "Unreleased\n\n- Late.\n")), "lines under '## Unreleased'"),
        (tag_another_commit, "v0.2.0 is already the tag of another commit"),
    ],
)
def test_what_is_not_ready_is_refused_with_the_next_step(tree: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(tree)
    with pytest.raises(Refused, match=said):
        check_readiness(tree)


@requirement("DLV-08")
def test_a_tree_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not a clone"):
        check_readiness(tmp_path)


@requirement("DLV-08")
def test_many_changes_are_counted(tree: Path) -> None:
    for number in range(8):
        (tree / f"left-{number}").write_text("")
    with pytest.raises(Refused, match=r"and 3 more$"):
        check_readiness(tree)


@requirement("DLV-08")
def test_a_prepared_tree_is_ready_once_it_is_committed(tree: Path) -> None:
    write(CHANGELOG.replace("Unreleased\n", "Unreleased\n\n- Next.\n"))(tree)
    said = command.prepare(tree, "0.3.0")
    assert said.endswith("git commit -m 'Release 0.3.0'")
    assert {read_version(tree, name) for name in (SOURCE, *REPEATED)} == {"0.3.0"}
    text = (tree / "CHANGELOG.md").read_text()
    assert find_section(text, "0.3.0") == "- Next." and find_section(text, "Unreleased") == ""
    assert find_section(text, "0.2.0") == "- New."
    commit(tree)
    assert check_readiness(tree) == "0.3.0"


@requirement("DLV-08")
@pytest.mark.parametrize(
    ("version", "said"),
    [("next", "'next' is no version"), ("v1.0.0", "three numbers"), ("0.4.0", "describe what changed")],
)
def test_nothing_is_prepared_without_a_version_and_changes(tree: Path, version: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        command.prepare(tree, version)


@requirement("DLV-08")
def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    check_replaceable(tmp_path / "new")
    check_replaceable(tmp_path)
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(PackagingError, match="in use"):
        check_replaceable(tmp_path)
    (tmp_path / SUMS).write_text("")
    check_replaceable(tmp_path)


@requirement("DLV-08")
def test_every_file_of_this_repository_states_the_same_version() -> None:
    assert len({read_version(ROOT, name) for name in (SOURCE, *REPEATED)}) == 1


@requirement("DLV-08")
@pytest.mark.parametrize("arguments", [[], ["--dry-run", "--prepare", "0.2.0"]])
def test_the_command_wants_one_thing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "--prepare" in capsys.readouterr().err
