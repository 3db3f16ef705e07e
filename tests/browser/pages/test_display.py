"""Names and hosts that try to look like others (CONS-03)."""

import pytest

from chalicelib.pages.display import read_host, read_initial, read_link, read_name
from tests.kit.requirement import requirement


@requirement("CONS-03")
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Acme \u202etxet\u202c", "Acme txet"),
        ("Acme\u2066\u2069\u200f", "Acme"),
        ("Ac\u200bme\ufeff\u00ad", "Acme"),
        ("Acme\r\nVerified\x00\x1b[31m", "Acme Verified[31m"),
        ("Acme\u2028\u3000 Notes  ", "Acme Notes"),
        ("Z" + "\u0301" * 9, "Ź" + "\u0301" * 2),
        ("日本語アプリ", "日本語アプリ"),
        ("עברית", "עברית"),
        ("x" * 200, "x" * 79 + "…"),
        ("", ""),
    ],
)
def test_a_name_is_one_line_without_what_nobody_sees(given: str, shown: str) -> None:
    assert read_name(given) == shown


@requirement("CONS-03")
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("acme.example", "acme.example"),
        ("\u0430pple.example", "xn--pple-43d.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a\u202eb.example", "ab.example"),
        ("\u0430" * 80 + ".example", "\\u0430" * 80 + ".example"),
        ("com.example.app:", "com.example.app:"),
    ],
)
def test_a_host_is_shown_in_ascii(given: str, shown: str) -> None:
    assert read_host(given) == shown


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("https://a.example/x?y#z", True),
        ("http://127.0.0.1:80/", True),
        ("http://localhost/", True),
        ("http://[::1]:8/", True),
        ("http://a.example/", False),
        ("https:///x", False),
        ("https://[x/", False),
        ("https://a.example/\n", False),
        ("https://ä.example/", False),
        ("", False),
        (None, False),
    ],
)
def test_a_link_is_https_or_loopback(uri: str | None, kept: bool) -> None:
    assert read_link(uri) == (uri if kept else None)


def test_an_initial_is_a_letter_or_a_dot() -> None:
    assert [read_initial(name) for name in ("acme", "  »ö", "\u202e", "7up")] == ["A", "Ö", "·", "7"]
