"""Where a browser goes on after the sign-in of an app's page: a path of the app, or its home."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.return_path import HOME, MAX_PATH, choose_return
from tests.kit.requirement import requirement

ORIGIN = "https://app.example"
PATHS = ("/", "/notes", "/notes/7?sort=new&x=%2F%2F", "/#/inbox", "/a/../b", "/x//y", "/@home", "/a:b", "/?next=//evil")
TRICKS = {
    "another scheme and host": "https://evil.example/",
    "a host without a scheme": "//evil.example/",
    "three slashes": "///evil.example",
    "a backslash as the second slash": "/\\evil.example",
    "two backslashes": "\\\\evil.example",
    "a backslash later on": "/a\\b",
    "a tab that browsers drop": "/\t/evil.example",
    "a line feed that ends a header": "/\nSet-Cookie: a=b",
    "a carriage return": "/\r/evil.example",
    "a NUL": "/\x00",
    "a space before it": " /notes",
    "a space within": "/a b",
    "no slash at all": "notes",
    "a dot first": "./notes",
    "user information": "@evil.example",
    "a script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "a letter that is not ASCII": "/caf\u00e9",
    "a full-width slash": "/\uff0fevil.example",
    "markup": '/"><script>',
    "nothing": "",
    "a path longer than any": "/" + "a" * MAX_PATH,
}


@requirement("BFF-04")
@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_the_app_stays_as_it_is(path: str) -> None:
    assert choose_return(path) == path


@requirement("BFF-04")
@pytest.mark.parametrize("asked", TRICKS.values(), ids=TRICKS)
def test_whatever_is_none_is_the_apps_home(asked: str) -> None:
    assert choose_return(asked) == HOME


@requirement("BFF-04")
def test_without_one_it_is_the_apps_home() -> None:
    assert choose_return(None) == HOME


@requirement("BFF-04")
@given(st.text(max_size=40).map(lambda text: "/" + text) | st.text(max_size=40))
def test_whatever_is_asked_a_browser_stays_at_the_app(asked: str) -> None:
    """Also as a browser would read it on its own, without the origin before it."""
    chosen = choose_return(asked)
    assert urlsplit(urljoin(ORIGIN, chosen)).netloc == urlsplit(ORIGIN + chosen).netloc == "app.example"
    assert chosen.isascii() and chosen.isprintable()
