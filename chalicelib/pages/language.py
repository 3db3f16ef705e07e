"""The languages of the pages: the choice of a reader's language, and its messages, loaded for its first page."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from chalicelib.protocol.ascii_text import lower

LANGUAGES: Final = ("en", "de", "es", "ja", "ar")
DEFAULT: Final = "en"
MESSAGES: Final = Path(__file__).with_name("messages")
_WISH = re.compile(r"[ \t]*([A-Za-z0-9*-]+)[ \t]*(?:;[ \t]*[qQ]=([01](?:\.[0-9]{0,3})?))?[ \t]*")
_RIGHT_TO_LEFT = frozenset({"ar"})

Message = str | dict[str, str]


def match_language(tags: Iterable[str]) -> str | None:
    """The first of these language tags that is available: `de-CH` gives German (RFC 4647 section 3.4)."""
    return next((known for tag in tags if (known := lower(tag.partition("-")[0])) in LANGUAGES), None)


def read_accept_language(header: str | None) -> list[str]:
    """The tags of an Accept-Language, the preferred first, without those of quality 0 (RFC 9110 section 12.5.4)."""
    wishes = [_WISH.fullmatch(one) for one in (header or "")[:1000].split(",")]
    wanted = [(float(wish[2] or 1), wish[1]) for wish in wishes if wish]
    return [tag for quality, tag in sorted(wanted, key=lambda pair: -pair[0]) if quality > 0]


def direction_of(language: str) -> str:
    """For the `dir` of the document."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


@lru_cache(len(LANGUAGES))
def load_messages(language: str) -> Mapping[str, Message]:
    """The whole catalogue: `section.key` -> a sentence, or one for each plural category of the language."""
    return msgspec.json.decode((MESSAGES / f"{language}.json").read_bytes(), type=dict[str, Message])


@lru_cache(256)
def read_sections(language: str, *sections: str) -> Mapping[str, Message]:
    """The messages of these sections by their keys alone; a later section overrides an earlier one."""
    everything = load_messages(language)
    found: dict[str, Message] = {}
    for section in sections:
        prefix = section + "."
        found |= {key.removeprefix(prefix): said for key, said in everything.items() if key.startswith(prefix)}
    return found


def plural_category(language: str, count: int) -> str:
    """The category of a whole number below a million (Unicode CLDR, plural rules for cardinals)."""
    if language == "ja":
        return "other"
    if language != "ar":
        return "one" if count == 1 else "other"
    if count <= 2:
        return ("zero", "one", "two")[count]
    rest = count % 100
    return "few" if 3 <= rest <= 10 else "many" if rest >= 11 else "other"
