"""What the choice page shows, and that strangers' words stay words (CONS-03, CONS-06)."""

import pytest
from msgspec.structs import replace

from chalicelib.pages.consent import ChoicePage, ProviderOption, ScopeLine
from chalicelib.pages.render import render
from tests.browser.pages.examples import (
    CHOICE,
    GITHUB,
    GOOGLE,
    NAMES_ITSELF,
    OPTIONAL,
    PARTIAL,
    READ,
    SEVERAL,
    UNVERIFIED,
    WRITE,
    Reader,
    every_page,
    in_words,
)
from tests.kit.requirement import requirement

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@requirement("CONS-03")
def test_the_page_names_who_asks_for_what_how_long_and_where_one_returns_to() -> None:
    words = in_words(CHOICE).words
    for shown in (
        "Sign in to Acme Notes with GitHub",
        "Verified",
        "acme.example",
        "app.acme.example",
        "30 days, or until you remove it",
        "Acme Notes will be able to",
        "see your name and picture",
        "see your email address",
        "read your profile",
        "change your repositories",
        "auth.example.com",
    ):
        assert shown in words


@requirement("CONS-03")
@pytest.mark.parametrize(
    "field",
    ["client_name", "client_host", "redirect_host", "sealed_request", "site", "action", "account"],
)
def test_markup_in_a_field_arrives_as_text(field: str) -> None:
    for page in (CHOICE, NAMES_ITSELF):
        _assert_same_elements(render(page), render(replace(page, **{field: MARKUP})))


@requirement("CONS-03")
@pytest.mark.parametrize("field", ["name", "handle", "provider_name"])
def test_markup_in_the_name_of_the_user_arrives_as_text(field: str) -> None:
    connect = every_page()["connect"]
    hostile = replace(connect, person=replace(connect.person, **{field: MARKUP}))
    _assert_same_elements(render(connect), render(hostile))


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
    assert "Not verified" in words and "We haven’t checked this app. Anyone can use this name." in words
    assert "Verified" not in words


@requirement("CONS-03")
@pytest.mark.parametrize("page", [UNVERIFIED, NAMES_ITSELF, replace(UNVERIFIED, providers=(GITHUB, GOOGLE))])
def test_the_name_that_a_stranger_chose_is_no_title_and_the_way_on_stands_out_no_more_than_cancel(
    page: ChoicePage,
) -> None:
    seen = in_words(page)
    title, heading, *_ = seen.words.split(" auth.example.com ")
    assert "Acme Notes" not in title and "It calls itself “Acme Notes”" in heading
    assert "Acme Notes" not in heading.partition("It calls itself")[0]
    buttons = seen.all("button")
    assert buttons[0].get("value") == "deny" and not [one for one in buttons if "go" in str(one.get("class")).split()]


@requirement("CONS-03")
def test_a_stranger_adds_neither_links_nor_a_purpose() -> None:
    seen = in_words(UNVERIFIED)
    assert [link["href"] for link in seen.all("a")] == ["/account"]


@requirement("CONS-03")
def test_a_program_on_this_device_gets_a_warning() -> None:
    page = replace(CHOICE, redirect_on_device=True, redirect_host="127.0.0.1:8400")
    words = in_words(page).words
    assert "127.0.0.1:8400, on this device" in words and "another program could pretend to be it" in words
    assert "on this device" not in in_words(CHOICE).words
    unverified = in_words(replace(page, client_verified=False)).words
    assert "It runs on this device, and another program could pretend to be it." in unverified


@requirement("CONS-06")
def test_cancel_and_allow_are_two_buttons_of_one_form_and_cancel_needs_no_choice() -> None:
    page = in_words(CHOICE)
    assert [button["value"] for button in page.all("button", type="submit", name="decision")] == ["allow", "deny"]
    assert "formnovalidate" in page.all("button", value="deny")[0]
    assert page.all("form", method="post", action="/signin") and len(page.all("form")) == 1


def test_what_reads_and_what_changes_stand_apart() -> None:
    words = in_words(CHOICE).words
    assert words.index("Identity") < words.index("Readread your profile") < words.index("Writechange your repositories")


def test_only_optional_scopes_can_be_unticked() -> None:
    boxes = in_words(CHOICE).all("input", type="checkbox", name="scope")
    assert [(box["name"], box["value"], "checked" in box) for box in boxes] == [
        ("scope", "email", True),
        ("scope", "github:gist", True),
    ]


@requirement("CONS-06")
def test_one_provider_is_part_of_the_form_and_each_of_several_is_a_button_that_is_not_favoured() -> None:
    one = in_words(CHOICE)
    assert one.all("input", type="hidden", name="provider", value="github") and not one.all("button", name="provider")
    several = in_words(SEVERAL)
    buttons = several.all("button", type="submit")
    assert [(one["name"], one["value"]) for one in buttons] == [
        ("provider", "github"), ("provider", "google"), ("decision", "deny"),
    ]  # fmt: skip
    assert not several.all("input", name="provider") and not several.all("button", value="allow")
    assert not [one for one in buttons if "go" in str(one.get("class")).split()]
    assert "Continue with GitHubLast used" in several.words


@requirement("CONS-03")
def test_what_one_of_several_providers_adds_is_named_beside_its_button_each_change_too() -> None:
    reads = tuple(ScopeLine(name=f"github:r{i}", title=f"read thing {i}") for i in range(5))
    page = replace(SEVERAL, provider_scopes={"github": (*reads, WRITE, OPTIONAL)})
    line = "Also: read thing 0 · read thing 1 · 3 more · change your repositories · create gists"
    assert line in in_words(page).words and "Only what’s listed above" in in_words(page).words
    assert "Only what’s" not in in_words(replace(SEVERAL, provider_scopes={})).words


def test_the_operators_own_app_says_in_one_sentence_what_it_gets() -> None:
    own = (ScopeLine(name="openid", is_ours=True), ScopeLine(name="profile", is_ours=True))
    page = replace(SEVERAL, is_implied=True, own_scopes=own, provider_scopes={})
    words = in_words(page).words
    assert "Acme Notes gets your name. You’ll return to app.acme.example." in words
    assert "will be able to" not in words and not in_words(page).all("input", type="checkbox")
    email = ScopeLine(name="email", is_ours=True)
    assert "gets your name and email address" in in_words(replace(page, own_scopes=(*own, email))).words
    assert "gets your email address" in in_words(replace(page, own_scopes=(email,))).words
    assert " gets " not in in_words(replace(page, own_scopes=own[:1])).words
    assert "Also: read your profile" in in_words(replace(page, provider_scopes={"github": (READ,)})).words


def test_what_signing_in_means_anyway_is_listed_only_if_nothing_else_is() -> None:
    openid, offline = (ScopeLine(name=name, is_ours=True) for name in ("openid", "offline_access"))
    bare = replace(CHOICE, own_scopes=(openid, offline), provider_scopes={})
    assert "Identityconfirm who you are" in in_words(bare).words
    assert "confirm who you are" not in in_words(CHOICE).words
    assert "keep access" not in in_words(bare).words
    asked = replace(bare, own_scopes=(openid, replace(offline, optional=True)))
    assert "keep access while you’re not using it optional" in in_words(asked).words


@pytest.mark.parametrize(
    ("lasts", "said"),
    [
        ({"lasts_days": 1}, "Access lasts 1 day, or until you remove it in My access."),
        ({"lasts_hours": 12}, "Access lasts 12 hours, or until you remove it in My access."),
        ({"lasts_minutes": 15}, "Access lasts 15 minutes."),
        ({}, "Access lasts until you remove it in My access."),
    ],
)
def test_the_page_says_how_long_access_lasts(lasts: dict[str, int], said: str) -> None:
    page = in_words(replace(CHOICE, **{"lasts_days": 0, **lasts}))
    assert page.words.partition("Privacy")[0].rstrip().endswith(said)
    assert bool(page.all("a", href="/account")) == ("My access" in said)


def test_what_can_be_unticked_stands_below_what_cannot() -> None:
    lines = (replace(OPTIONAL, name="github:a", title="do a"), replace(OPTIONAL, title="do b", optional=False))
    words = in_words(replace(CHOICE, provider_scopes={"github": lines})).words
    assert words.index("do b") < words.index("do a optional")


def test_scopes_that_count_only_after_connecting_are_said_to() -> None:
    slack = ProviderOption(provider_id="slack", display_name="Slack")
    line = ScopeLine(name="slack:chat:write", title="post messages as you", access="write")
    page = replace(CHOICE, later=(slack,), provider_scopes={"github": (READ,), "slack": (line,)})
    assert "If you connect Slack later Writepost messages as you" in in_words(page).words


def test_links_of_the_app_give_no_referrer() -> None:
    links = in_words(CHOICE).all("a")
    assert [link["href"] for link in links] == [
        "/account",
        "https://acme.example/privacy",
        "https://acme.example/terms",
    ]
    assert all("noreferrer" in str(link["rel"]).split() for link in links)


@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "data:text/html,x", "http://acme.example/", "https://u@acme.example/", "https://a b"]
)
def test_a_link_that_leads_elsewhere_than_to_a_web_page_is_left_out(uri: str) -> None:
    assert [one["href"] for one in in_words(replace(CHOICE, policy_uri=uri, tos_uri=uri)).all("a")] == ["/account"]


@requirement("CONS-10")
def test_the_page_says_what_the_app_is_for_and_nothing_where_nothing_is_said() -> None:
    words = in_words(replace(CHOICE, purpose="Sorts your notes.")).words
    assert words.index("Purpose") < words.index("Sorts your notes.") < words.index("Website")
    assert "Purpose" not in in_words(replace(CHOICE, purpose="")).words
    _assert_same_elements(render(replace(CHOICE, purpose="Sorts.")), render(replace(CHOICE, purpose=MARKUP)))
