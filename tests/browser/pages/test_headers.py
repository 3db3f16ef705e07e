"""Pages cannot be framed, run nothing and load nothing (GEN-23)."""

import base64
import hashlib
import subprocess
import sys
from itertools import pairwise

import pytest
from msgspec.structs import replace

from chalicelib.pages.headers import page_headers, style_sheet
from chalicelib.pages.leaving import LeavingPage
from chalicelib.pages.page import ErrorPage
from chalicelib.pages.render import render
from tests.browser.pages.examples import POSTING, Reader, every_page, in_words
from tests.kit.requirement import requirement

PAGES = {name: render(page) for name, page in every_page().items()}


@requirement("GEN-23")
@pytest.mark.parametrize("name", PAGES)
def test_the_policy_names_the_hash_of_the_style_sheet_in_the_page(name: str) -> None:
    digest = base64.b64encode(hashlib.sha256(Reader(PAGES[name]).style.encode()).digest()).decode()
    policy = dict(page_headers(has_form=True))["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}';" in policy and "unsafe" not in policy


@requirement("GEN-23")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_script_and_loads_nothing(name: str) -> None:
    page = Reader(PAGES[name])
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    attributes = {attribute for _, have in page.elements for attribute in have}
    assert not {a for a in attributes if a.startswith("on") or a in {"src", "srcset", "style", "srcdoc"}}
    assert "url(" not in page.style and "@import" not in page.style


@requirement("GEN-23")
@pytest.mark.parametrize(
    ("has_form", "form_action", "referrer"), [(True, "'self'", "same-origin"), (False, "'none'", "no-referrer")]
)
def test_the_headers_refuse_frames_and_fit_the_form(has_form: bool, form_action: str, referrer: str) -> None:
    headers = page_headers(has_form=has_form)
    names = [name for name, _ in headers]
    assert len(names) == len(set(names))
    assert dict(headers)["X-Frame-Options"] == "DENY"
    assert dict(headers)["X-Content-Type-Options"] == "nosniff"
    assert dict(headers)["Referrer-Policy"] == referrer
    assert dict(headers)["Cache-Control"] == "no-store"
    policy = dict(headers)["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", f"form-action {form_action}", "frame-ancestors 'none'", "base-uri 'none'"} < {*policy}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_one_language_one_title_one_main_heading(name: str) -> None:
    page = Reader(PAGES[name])
    assert page.all("html", lang="en") and len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert all(after - before <= 1 for before, after in pairwise(levels))


@requirement("GEN-23", "AUTHZ-07")
def test_the_form_of_an_answer_may_go_to_one_origin_alone() -> None:
    headers = dict(page_headers(has_form=True, posts_to="https://acme.example"))
    assert "form-action https://acme.example" in headers["Content-Security-Policy"].split("; ")
    page = in_words(POSTING)
    assert [have["action"] for have in page.all("form", method="post")] == ["https://acme.example/back"]
    assert [(have["name"], have["value"]) for have in page.all("input", type="hidden")] == list(POSTING.fields)
    for action in ("com.example.app:/back", "javascript:alert(1)", "https://a.example/ x", "/back", ""):
        with pytest.raises(ValueError, match="no form may lead there"):
            replace(POSTING, action=action)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "DATA:text/html,x", "https://a.example/ x", "no-scheme", ""])
def test_no_page_leads_to_a_script_or_to_half_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="no page may lead there"):
        LeavingPage(url=url, name="GitHub")


def test_leaving_and_waiting_go_on_by_themselves_and_offer_a_link() -> None:
    leaving = in_words(LeavingPage(url="com.example.app:/back?a=1&b='2'", name="Acme"))
    assert leaving.all("meta", content="0;url=com.example.app:/back?a=1&b='2'")
    assert leaving.all("a", href="com.example.app:/back?a=1&b='2'")
    assert in_words(ErrorPage(name="waiting", refresh="/callback/x?a=1")).all("meta", content="2;url=/callback/x?a=1")
    with pytest.raises(ValueError, match="not a URI"):
        ErrorPage(name="waiting", refresh="/callback/x y")


def test_the_template_engine_comes_with_the_first_page_only() -> None:
    code = "import sys, chalicelib.pages.render, chalicelib.routes.rendering; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_style_sheet_stays_small() -> None:
    """It is part of every page."""
    assert len(style_sheet().encode()) <= 10_000
