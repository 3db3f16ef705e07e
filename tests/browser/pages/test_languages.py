"""Five languages say the same things: no word stands outside the catalogues, and none of them lacks one."""

import ast
import re
import string
from pathlib import Path

import pytest

from chalicelib.pages import language as languages
from chalicelib.pages.consent import DeviceChoicePage
from chalicelib.pages.language import LANGUAGES, MESSAGES, load_messages, match_language, plural_category
from chalicelib.pages.notices import NOTICES, OFFERS
from chalicelib.pages.own_scopes import OWN_SCOPES
from chalicelib.pages.page import ErrorPage
from tests.browser.pages.examples import CHOICE, DEVICE, NAMES_ITSELF, Reader, every_page, in_words
from tests.kit.requirement import requirement

ROOM = Path(languages.__file__).parent
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))
CATEGORIES = {
    "en": "one other",
    "de": "one other",
    "es": "one other",
    "ja": "other",
    "ar": "zero one two few many other",
}
SPOKEN_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label", "aria-description", "label", "content"}
# Words that some of the languages have from English; a comma is one, and an app and an agent are called so in German.
SAME = {
    "device.label", "choice.client_host", "developer.client", "developer.apps", "developer.apps_count",
    "account.comma", "account.tab_apps", "account.agent",
}  # fmt: skip
TWO_WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,}(?![a-z:])")


def sentences(message: object) -> list[str]:
    return list(message.values()) if isinstance(message, dict) else [str(message)]


def places(sentence: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}


@requirement("PAGE-01")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_says_all_that_the_english_one_says_with_the_same_places(language: str) -> None:
    said, english = load_messages(language), load_messages("en")
    assert list(said) == list(english)
    for key, message in said.items():
        wanted = {name for one in sentences(english[key]) for name in places(one)}
        assert isinstance(message, dict) == isinstance(english[key], dict), key
        if isinstance(message, dict):
            assert list(message) == CATEGORIES[language].split(), key
            assert {name for one in message.values() for name in places(one)} <= wanted, key
            assert places(message["other"]) == wanted, key
        else:
            assert places(message) == wanted, key
        assert all(one and one == one.strip() and "  " not in one for one in sentences(message)), key


@requirement("PAGE-01")
@pytest.mark.parametrize("language", LANGUAGES)
def test_in_a_heading_nothing_but_a_question_mark_hangs_on_a_name(language: str) -> None:
    """What hangs on a name is read as part of it."""
    headings = {key: said for key, said in load_messages(language).items() if ".title" in key}
    assert not [key for key, said in headings.items() for one in sentences(said) if re.search(r"\}[^\s?؟？]", one)]


@requirement("PAGE-01")
def test_every_language_has_a_file_and_every_file_a_language() -> None:
    assert sorted(file.name for file in MESSAGES.iterdir()) == sorted(f"{language}.json" for language in LANGUAGES)
    for language in set(LANGUAGES) - {"en"}:
        said, english = load_messages(language), load_messages("en")
        same = [key for key in said if said[key] == english[key]]
        assert set(same) <= {"time.clock", "time.date", *SAME}, language


@requirement("PAGE-01")
def test_no_template_and_no_file_of_the_pages_has_words_of_its_own() -> None:
    for file in TEMPLATES:
        source = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", file.read_text(), flags=re.S)
        seen = Reader(source)
        assert not [word for word in seen.words.split() if re.search(r"[^\W\d_]", word)], file.name
        spoken = [
            value
            for tag, attributes in seen.elements
            for name, value in attributes.items()
            if name in SPOKEN_ATTRIBUTES and tag != "meta" and value not in ("", None, "XXXX-XXXX")
        ]
        assert not spoken, file.name
    for file in sorted(ROOM.glob("*.py")):
        if file.name in {"theme_file.py", "colours.py"}:  # they speak to the operator
            continue
        assert not bare_words(ast.parse(file.read_text())), file.name


def bare_words(tree: ast.Module) -> list[str]:
    """Texts that read like a sentence, but for docstrings and what only a developer sees: an exception's."""
    hidden = {id(node) for one in ast.walk(tree) if isinstance(one, ast.Raise) for node in ast.walk(one)}
    hidden |= {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    texts = [one for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in hidden]
    return [
        one.value for one in texts if isinstance(one.value, str) and TWO_WORDS.search(re.sub("<.*?>", "", one.value))
    ]


@requirement("PAGE-01")
def test_every_message_is_used() -> None:
    sources = "".join(file.read_text() for file in (*TEMPLATES, ROOM / "sentence.py"))
    used = {*re.findall(r"(?:text|frame|developer)\.(\w+)", sources)}
    used |= {*re.findall(r'(?:text|said|times|_times\(context\))\["(\w+)"\]', sources)}
    used |= OWN_SCOPES | {notice.back for notice in NOTICES.values()} | OFFERS.keys() | {"register", "next"}
    unused = {key for key in load_messages("en") if key.rpartition(".")[2] not in used}
    assert not unused
    named = {key.split(".")[1] for key in load_messages("en") if key.startswith("notice.")}
    assert named == set(NOTICES)


@requirement("PAGE-02")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_filled_and_says_its_language_and_direction(language: str) -> None:
    for name, page in every_page().items():
        seen = in_words(page, language)
        assert "{" not in seen.words and "None" not in seen.words and "<" not in seen.words, name
        assert seen.all("html", lang=language, dir="rtl" if language == "ar" else "ltr"), name


@requirement("PAGE-02")
def test_words_of_a_provider_stay_english_and_are_marked_so() -> None:
    page = in_words(CHOICE, "ar")
    assert page.all("bdi", lang="en", dir="ltr") and "read your profile" in page.words
    assert "الاطّلاع على عنوان بريدك الإلكتروني" in page.words


@requirement("PAGE-02")
def test_names_and_hosts_are_isolated_from_the_sentence_around_them() -> None:
    page = in_words(NAMES_ITSELF, "ar")
    assert len(page.all("bdi")) > len(page.all("bdi", dir="ltr")) > 2
    words = in_words(ErrorPage(name="csrf", link="https://a.example/"), "ar")
    assert words.all("bdi", dir="ltr") and "ابدأ من جديد في a.example" in words.words


@requirement("PAGE-02")
@pytest.mark.parametrize(
    ("tags", "language"),
    [
        ("de-CH fr", "de"), ("fr es", "es"), ("zh-Hant JA", "ja"), ("AR-eg", "ar"), ("fr", None), ("", None),
        ("deu", None), ("e", None), ("-de", None), ("x-de", None), ("de_DE", None),
    ],
)  # fmt: skip
def test_the_first_wish_that_we_speak_is_met(tags: str, language: str | None) -> None:
    assert match_language(tags.split()) == language


@requirement("PAGE-02")
@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("de-CH, de;q=0.9, en;q=0.8", ["de-CH", "de", "en"]), ("en;q=0.5,ja", ["ja", "en"]), ("de;q=0, es", ["es"]),
        ("*", ["*"]), (None, []), ("de;q=x, es;q=0.1", ["es"]), ("de;q=nan,es", ["es"]), (";q=1," * 400 + "de", []),
    ],
)  # fmt: skip
def test_an_accept_language_is_read_by_quality(header: str | None, tags: list[str]) -> None:
    assert languages.read_accept_language(header) == tags


@requirement("PAGE-02")
def test_numbers_and_times_are_said_as_the_language_says_them() -> None:
    arabic = [plural_category("ar", count) for count in (0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 111)]
    assert arabic == ["zero", "one", "two", "few", "few", "many", "many", "other", "other", "few", "many"]
    asked = {language: DeviceChoicePage(**{**_fields(), "device": DEVICE}) for language in LANGUAGES}
    told = {language: in_words(page, language).words for language, page in asked.items()}
    for language, words in (
        ("en", "2 minutes ago (08:00 UTC)"), ("de", "vor 2 Minuten"), ("es", "hace 2 minutos"),
        ("ja", "2 分前"), ("ar", "قبل دقيقتين"),
    ):  # fmt: skip
        assert words in told[language]


def _fields() -> dict[str, object]:
    return {name: getattr(CHOICE, name) for name in CHOICE.__struct_fields__}
