"""The path of a proxied call: one reading for everybody, and never outside the provider's API (PRX-01)."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.protocol.errors import InvalidRequest
from chalicelib.upstream.proxy_path import MAX_PATH_CHARACTERS, parse_path
from tests.kit import ROOT
from tests.kit.requirement import requirement

CORPUS = tomllib.loads((ROOT / "tests" / "data" / "proxy_paths.txt").read_text())
BASE = "https://api.example/v1"


def of(section: str) -> list:
    return [pytest.param(trick, id=name) for name, trick in CORPUS[section].items()]


def lenient(path: str) -> str:
    """As a decoder reads that knows %u, takes bytes one by one, and accepts overlong UTF-8."""
    path = re.sub("%u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), path)
    text = unquote(path, encoding="latin-1")
    text = text.replace("\xf0\x80\x80\xaf", "/").replace("\xe0\x80\xaf", "/")
    return text.replace("\xc0\xae", ".").replace("\xc0\xaf", "/")


def strict(path: str) -> str:
    """What is not UTF-8 is another name, to be told apart from every right one."""
    return unquote(path, errors="replace")


def readings(path: str) -> Iterator[list[str]]:
    """Segments of a path as servers and libraries read it, each with a habit of its own."""
    yield [strict(part) for part in path.split("/")]
    for text in (
        strict(path),
        strict(strict(path)),
        unicodedata.normalize("NFKC", strict(path)),
        unquote(unicodedata.normalize("NFKC", strict(path))),
        lenient(path),
        lenient(lenient(path)),
        strict(path).replace("\\", "/"),
        strict(path).partition("\x00")[0],
        re.sub(r"[\x00-\x1f\x7f-\x9f]", "", strict(path)),
        strict(re.split(r"[?#]", path)[0]),
        re.sub("/+", "/", strict(path)),
        strict(re.sub("%(?![0-9a-fA-F]{2})", "", path)),
        re.sub(r'[{}<>"|^`\[\]]', "", strict(path)),
    ):
        yield text.split("/")
    yield [part if part.partition(";")[0].strip(". ") else "" for part in strict(path).split("/")]


def falls_for(raw: str) -> bool:
    """A joiner that looks at nothing: with a slash between, as a browser resolves a reference, or without a slash."""
    joined = (f"{BASE}/{raw}", urljoin(BASE + "/", raw))
    if joined[0] != joined[1] or not all(reads_alike(url) for url in joined):
        return True
    without = urlsplit("https://api.example" + unquote(raw))
    return without.username is not None or without.port is not None


def is_inside(url: str) -> bool:
    """True where every reading finds as many names behind the prefix of the same host, and no dot segment."""
    try:
        parts = urlsplit(url)
        origin = (parts.scheme, parts.netloc)
    except ValueError:
        return False
    found = list(readings(url[len("https://api.example") :]))
    dotted = any({".", ".."} & set(names) for names in found)
    outside = any(names[:2] != ["", "v1"] or not all(names[2:-1]) for names in found)
    return origin == ("https", "api.example") and not dotted and not outside and len({len(one) for one in found}) == 1


def reads_alike(url: str) -> bool:
    """True where every reading finds the same names, too."""
    found = readings(url[len("https://api.example") :])
    return is_inside(url) and len({tuple(lenient_name(name) for name in names) for names in found}) == 1


def lenient_name(name: str) -> str:
    """Names of other languages read alike, whatever the encoding."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


@requirement("PRX-01")
@pytest.mark.parametrize("raw", of("refused"))
def test_a_trick_is_refused(raw: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_path(raw)


@pytest.mark.parametrize("raw", of("refused"))
def test_a_weak_joiner_falls_for_each_trick(raw: str) -> None:
    """No line of the corpus is harmless: joined plainly, somebody reads another host, another prefix or other names."""
    assert falls_for(raw)


@requirement("PRX-01")
@pytest.mark.parametrize("raw", of("kept"))
def test_what_apis_really_ask_for_is_kept(raw: str) -> None:
    segments = parse_path(raw)
    assert [unquote(segment) for segment in segments] == [unquote(part) for part in raw.split("/")]
    assert reads_alike("/".join((BASE, *segments)))


@requirement("PRX-01")
def test_the_corpus_has_at_least_sixty_tricks() -> None:
    assert len(CORPUS["refused"]) >= 60 and len(set(CORPUS["refused"].values())) == len(CORPUS["refused"])


@requirement("PRX-01")
def test_an_empty_path_and_a_very_long_one_are_refused() -> None:
    assert parse_path("x" * MAX_PATH_CHARACTERS)
    for raw in ("", "x" * (MAX_PATH_CHARACTERS + 1)):
        with pytest.raises(InvalidRequest):
            parse_path(raw)


WORDS = ".. . / // /a %2e %2f %5c %25 2e 80 ; %00 % u x a @ : https: ? # %c0%af %e9 %ef%bc%8f"
PIECES = st.sampled_from((*WORDS.split(), "\\", " ", "\t", "é", "\u2025", "\uff0f", "\ud800", "\ufffd"))


@requirement("PRX-01")
@settings(max_examples=1500, deadline=None, database=None, derandomize=True)
@given(st.lists(PIECES, max_size=7).map("".join) | st.text(max_size=12))
def test_whatever_is_not_refused_stands_behind_the_prefix_for_everybody(raw: str) -> None:
    try:
        segments = parse_path(raw)
    except InvalidRequest:
        return
    assert is_inside("/".join((BASE, *segments))), segments
