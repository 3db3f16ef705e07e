"""Every page that a refusal can name has its words, and nothing of the request is in them (GEN-07)."""

import ast
from pathlib import Path

import pytest

import chalicelib
from chalicelib.pages.developer import mark_difference
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
@pytest.mark.parametrize("name", sorted(NOTICES))
def test_an_error_page_says_what_happened_and_what_to_do_in_fixed_words(name: str) -> None:
    notice = {key: str(said) for key, said in read_sections("en", f"notice.{name}").items()}
    page = ErrorPage(name=name, client_name="Acme", provider_name="GitHub")
    words = in_words(page).words
    said = [notice[key].format(client="Acme", provider="GitHub") for key in ("title", "what", "todo") if key in notice]
    assert len(said) > 1 and all(one in words for one in said)
    unnamed = in_words(ErrorPage(name=name)).words
    assert all(notice.get(f"{key}_unnamed", notice.get(key, "")) in unnamed for key in ("title", "what", "todo"))
    assert "None" not in unnamed and "{" not in unnamed


def test_an_error_page_leads_back_to_where_the_app_begins() -> None:
    page = in_words(ErrorPage(name="cookie_missing", link="https://a.example/go", client_name="Acme"))
    assert page.all("a", href="https://a.example/go", rel="noreferrer")
    assert "Start again in Acme" in page.words and "a.example" in page.words
    assert "Start again in a.example" in in_words(ErrorPage(name="csrf", link="https://a.example/")).words


@pytest.mark.parametrize("base", ["", "/api"])
def test_a_notice_leads_to_the_brokers_own_pages_below_its_path(base: str) -> None:
    lost = in_words(ErrorPage(name="not_found", base=base))
    assert [have["href"] for have in lost.all("a")] == [f"{base}/account", f"{base}/"]
    left = in_words(ErrorPage(name="signed_out", base=base, link="https://a.example/", client_name="Acme"))
    assert [have["href"] for have in left.all("a")] == ["https://a.example/", f"{base}/account"]
    assert not left.all("a", **{"class": "button go"}), "two ways on, and neither is favoured"
    again = in_words(ErrorPage(name="request_broken", base=base, offer="enter_code"))
    assert again.all("a", **{"class": "button go"})[0]["href"] == f"{base}/device"


@requirement("RUN-10")
@pytest.mark.parametrize(
    ("received", "expected", "shown"),
    [
        (["https://a.example/Back/"], ["https://a.example/back"], "https://a.example/<b>Back/</b>"),
        (["https://a.example/back"], ["https://a.example/callback"], "https://a.example/back"),
        (["https://b.example/back"], ["https://a.example/back"], "https://<b>b</b>.example/back"),
        (["read", "write", "admin"], ["read", "write"], "read write <b>admin</b>"),
        (["<script>"], ["x"], "<b>&lt;script&gt;</b>"),
        (["<b>"], [], "&lt;b&gt;"),
        ([], ["x"], ""),
    ],
)
def test_what_differs_is_bold_and_nothing_of_it_is_markup(received: list[str], expected: list[str], shown: str) -> None:
    assert mark_difference(received, expected) == shown


@requirement("GEN-07")
@pytest.mark.parametrize("link", ["javascript:alert(1)", "http://a.example/", "com.example.app:/x", None])
def test_an_error_page_without_a_safe_way_back_has_no_link(link: str | None) -> None:
    assert not in_words(ErrorPage(name="cookie_missing", link=link)).all("a")


def test_a_page_that_nobody_wrote_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError):
        ErrorPage(name="no_such_page")
