"""What the choice page shows, and that strangers' words stay words (CONS-03, CONS-06)."""

import pytest
from msgspec.structs import replace

from chalicelib.pages.consent import ProviderOption, ScopeLine
from chalicelib.pages.render import render
from tests.browser.pages.examples import CHOICE, GITHUB, GOOGLE, OPTIONAL, PARTIAL, READ, Reader, in_words
from tests.kit.requirement import requirement

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@requirement("CONS-03")
def test_the_page_names_who_asks_for_what_how_long_and_where_one_returns_to() -> None:
    words = in_words(CHOICE).words
    for shown in (
        "Sign in to Acme Notes with GitHub",
        "Verified by the operator",
        "acme.example",
        "app.acme.example",
        "at most 30 days",
        "see your email address",
        "At GitHub, Acme Notes may",
        "read your profile",
        "change your repositories",
        "auth.example.com",
    ):
        assert shown in words


@requirement("CONS-03")
@pytest.mark.parametrize(
    "field",
    ["client_name", "client_host", "redirect_host", "sealed_request", "signed_in_as", "site", "action"],
)
def test_markup_in_a_field_arrives_as_text(field: str) -> None:
    _assert_same_elements(render(replace(CHOICE, signed_in_as="Alice")), render(_with(field)))


def _with(field: str) -> object:
    return replace(CHOICE, **{"signed_in_as": "Alice", field: MARKUP})


@requirement("CONS-03")
@pytest.mark.parametrize("field", ["provider_id", "display_name", "host"])
def test_markup_in_a_provider_arrives_as_text(field: str) -> None:
    hostile = replace(CHOICE, providers=(GOOGLE, replace(GITHUB, **{field: MARKUP})), provider_scopes={})
    _assert_same_elements(render(replace(hostile, providers=(GOOGLE, GITHUB))), render(hostile))


@requirement("CONS-03")
@pytest.mark.parametrize("field", ["name", "title"])
def test_markup_in_a_scope_arrives_as_text(field: str) -> None:
    hostile = replace(OPTIONAL, **{field: MARKUP})
    page, plain = (replace(CHOICE, own_scopes=(line,), provider_scopes={}) for line in (hostile, OPTIONAL))
    _assert_same_elements(render(plain), render(page))
    one, other = (replace(PARTIAL, granted=(line,)) for line in (hostile, OPTIONAL))
    _assert_same_elements(render(other), render(one))


def _assert_same_elements(plain: str, hostile: str) -> None:
    assert [tag for tag, _ in Reader(hostile).elements] == [tag for tag, _ in Reader(plain).elements]
    assert [have.keys() for _, have in Reader(hostile).elements] == [have.keys() for _, have in Reader(plain).elements]


@requirement("CONS-03")
def test_who_is_not_verified_is_named_so_with_a_warning() -> None:
    words = in_words(replace(CHOICE, client_verified=False)).words
    assert "Not verified" in words and "The operator has not checked this app" in words
    assert "Verified by the operator" not in words


@requirement("CONS-03")
def test_a_program_on_this_device_gets_a_warning() -> None:
    page = replace(CHOICE, redirect_on_device=True, redirect_host="127.0.0.1:8400")
    words = in_words(page).words
    assert "127.0.0.1:8400 on this device" in words and "where another program could pretend to be it" in words
    assert "on this device" not in in_words(CHOICE).words


@requirement("CONS-06")
def test_cancel_and_allow_are_two_buttons_of_one_form_and_cancel_needs_no_choice() -> None:
    page = in_words(replace(CHOICE, providers=(GITHUB, GOOGLE)))
    assert [button["value"] for button in page.all("button", type="submit", name="decision")] == ["deny", "allow"]
    assert "formnovalidate" in page.all("button", value="deny")[0]
    assert page.all("form", method="post", action="/signin") and len(page.all("form")) == 1


def test_what_reads_and_what_changes_stand_apart() -> None:
    words = in_words(CHOICE).words
    assert words.index("Reading read your profile") < words.index("Changing change your repositories")


def test_only_optional_scopes_can_be_unticked() -> None:
    boxes = in_words(CHOICE).all("input", type="checkbox", name="scope")
    assert [(box["name"], box["value"], "checked" in box) for box in boxes] == [
        ("scope", "email", True),
        ("scope", "github:gist", True),
    ]


def test_one_provider_is_a_plain_line_and_several_are_labelled_radio_buttons() -> None:
    one = in_words(CHOICE)
    assert one.all("input", type="hidden", name="provider", value="github") and not one.all("input", type="radio")
    several = in_words(replace(CHOICE, providers=(GITHUB, GOOGLE)))
    radios = several.all("input", type="radio", name="provider")
    assert [(radio["value"], "checked" in radio) for radio in radios] == [("github", True), ("google", False)]
    assert all(several.all("label", **{"for": str(radio["id"])}) for radio in radios)
    assert several.all("legend") and all("required" in radio for radio in radios)


def test_scopes_that_count_only_after_connecting_are_said_to() -> None:
    slack = ProviderOption(provider_id="slack", display_name="Slack")
    line = ScopeLine(name="slack:chat:write", title="post messages as you", access="write")
    page = replace(CHOICE, later=(slack,), provider_scopes={"github": (READ,), "slack": (line,)})
    assert "Only if you connect Slack later Changing post messages as you" in in_words(page).words


def test_links_of_the_app_give_no_referrer() -> None:
    links = in_words(CHOICE).all("a")
    assert [link["href"] for link in links] == ["https://acme.example/privacy", "https://acme.example/terms"]
    assert all("noreferrer" in str(link["rel"]).split() for link in links)


@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "data:text/html,x", "http://acme.example/", "https://u@acme.example/", "https://a b"]
)
def test_a_link_that_leads_elsewhere_than_to_a_web_page_is_left_out(uri: str) -> None:
    assert not in_words(replace(CHOICE, policy_uri=uri, tos_uri=uri)).all("a")


@requirement("CONS-10")
def test_the_page_says_what_the_app_is_for_and_nothing_where_nothing_is_said() -> None:
    words = in_words(replace(CHOICE, purpose="Sorts your notes.")).words
    assert words.index("What it is for") < words.index("Sorts your notes.") < words.index("The app’s website")
    assert "What it is for" not in in_words(replace(CHOICE, purpose="")).words
    _assert_same_elements(render(replace(CHOICE, purpose="Sorts.")), render(replace(CHOICE, purpose=MARKUP)))
