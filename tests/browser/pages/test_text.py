"""Every page that a refusal can name has its words, and nothing of the request is in them (GEN-07)."""

import ast
import string
from pathlib import Path

import pytest

import chalicelib
from chalicelib.pages.language import read_sections
from chalicelib.pages.notices import NOTICES
from chalicelib.pages.page import ErrorPage
from tests.browser.pages.examples import in_words
from tests.kit.requirement import requirement

NAMES = {
    "request_broken", "client_unknown", "redirect_uri_wrong", "cookie_missing", "sign_in_over", "provider_refused",
    "provider_unavailable", "try_later", "not_allowed", "wrong_account", "partial", "waiting", "signed_out", "csrf",
}  # fmt: skip


def test_the_texts_of_all_pages_are_there() -> None:
    assert set(NOTICES) >= NAMES


def test_every_page_that_the_code_names_has_a_text() -> None:
    named = set()
    for file in Path(chalicelib.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"PageError", "ErrorPage"}:
                named |= {
                    keyword.value.value
                    for keyword in node.keywords
                    if keyword.arg in {"page", "name"} and isinstance(keyword.value, ast.Constant)
                }
    assert named and named <= set(NOTICES)


@requirement("GEN-07")
@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_error_page_says_what_happened_and_what_to_do_in_fixed_words(name: str) -> None:
    notice = read_sections("en", f"notice.{name}")
    words = in_words(ErrorPage(name=name)).words
    assert notice["title"] in words and notice["what"] in words and notice["todo"] in words
    assert not any(field for one in notice.values() for _, field, _, _ in string.Formatter().parse(str(one)))


def test_an_error_page_leads_back_to_where_the_app_begins() -> None:
    page = in_words(ErrorPage(name="cookie_missing", link="https://a.example/go", client_name="Acme"))
    assert page.all("a", href="https://a.example/go", rel="noreferrer")
    assert "Start again at Acme" in page.words and "a.example" in page.words
    assert "Start again at a.example" in in_words(ErrorPage(name="csrf", link="https://a.example/")).words


@requirement("GEN-07")
@pytest.mark.parametrize("link", ["javascript:alert(1)", "http://a.example/", "com.example.app:/x", None])
def test_an_error_page_without_a_safe_way_back_has_no_link(link: str | None) -> None:
    assert not in_words(ErrorPage(name="cookie_missing", link=link)).all("a")


def test_a_page_that_nobody_wrote_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError):
        ErrorPage(name="no_such_page")
