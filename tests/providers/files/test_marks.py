"""The mark that a provider file names: checked with its image when the file is loaded (PAGE-10)."""

from pathlib import Path

import pytest

from chalicelib.providers.catalog import OUR_FILES, load_catalog
from chalicelib.providers.definition import InvalidDefinition
from tests.kit.provider_files import TENANTS
from tests.kit.requirement import requirement

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
TERMS = 'terms = "https://team.example/brand"\n'


def load(folder: Path, mark: str) -> str:
    """The path of the image, once the file is loaded."""
    (folder / "team.toml").write_text(f"{TENANTS}\n[mark]\n{mark}")
    catalog = load_catalog(folder)
    definition = catalog.get("team")
    assert definition is not None
    return catalog.find_image("team", definition.mark.file)


@requirement("PAGE-10")
def test_a_mark_is_found_beside_its_provider_file(tmp_path: Path) -> None:
    (tmp_path / "team.svg").write_bytes(SVG)
    assert load(tmp_path, f'letters = "Te"\nfile = "team.svg"\ntile = "white"\n{TERMS}') == str(tmp_path / "team.svg")
    assert load(tmp_path, 'letters = "Te"\n') == ""


@requirement("PAGE-10")
def test_a_copy_of_a_shipped_file_keeps_its_mark(tmp_path: Path) -> None:
    (tmp_path / "github.toml").write_text((OUR_FILES / "github.toml").read_text())
    assert load_catalog(tmp_path).find_image("github", "marks/github.svg") == str(OUR_FILES / "marks/github.svg")


@requirement("PAGE-10")
@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('letters = "Team"\n', "mark.letters must be one or two letters"),
        ('letters = "<b"\n', "mark.letters must be one or two letters"),
        ('file = "team.svg"\n', "mark.terms is missing: an https link beside mark.file"),
        ('file = "team.svg"\nterms = "http://team.example/"\n', "mark.terms is missing"),
        (f'dark_file = "team.svg"\n{TERMS}', "mark.dark_file needs a mark.file beside it"),
        (f'file = "none.svg"\n{TERMS}', "mark.file: none.svg cannot be read"),
        (f'file = "page.svg"\n{TERMS}', "mark.file: page.svg is neither SVG nor PNG"),
        (f'file = "large.svg"\n{TERMS}', "mark.file: large.svg has 4,097 bytes"),
        (f'file = "team.svg"\ndark_file = "large.svg"\n{TERMS}', "mark.dark_file: large.svg has 4,097 bytes"),
        (f'file = "../team.svg"\n{TERMS}', "mark.file must name an SVG or PNG file in lower case"),
        (f'file = "https://team.example/a.svg"\n{TERMS}', "mark.file must name an SVG or PNG file"),
        (f'file = "team.gif"\n{TERMS}', "mark.file must name an SVG or PNG file"),
        (f'file = "team.svg"\ntile = "black"\n{TERMS}', 'mark.tile must be one of "card", "white"'),
        (f'file = "team.svg"\nlink = "x"\n{TERMS}', "unknown key mark.link"),
    ],
)
def test_what_cannot_be_a_mark_is_refused_in_words(tmp_path: Path, mark: str, said: str) -> None:
    (tmp_path / "team.svg").write_bytes(SVG)
    (tmp_path / "page.svg").write_bytes(b"<html><svg></svg>")
    (tmp_path / "large.svg").write_bytes(SVG.ljust(4097))
    with pytest.raises(InvalidDefinition) as refused:
        load(tmp_path, mark)
    assert said in str(refused.value)
