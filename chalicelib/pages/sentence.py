"""Fills the values of a sentence: names from outside escaped and isolated, numbers and times as the language writes
them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.pages.display import NAME_LIMIT, read_host, read_link_host, read_name
from chalicelib.pages.language import plural_category, read_sections

if TYPE_CHECKING:
    from jinja2.runtime import Context
    from markupsafe import Markup

MOST_DAYS = 6  # "Used 6 days ago"; before that, the date


def fill(sentence: str, **values: "str | int | Markup") -> "Markup":
    """Fill values into a sentence of the catalogue; both are escaped, except the broker's own markup."""
    from markupsafe import escape

    return escape(sentence).format(**values)


def isolate_name(value: str, limit: int = NAME_LIMIT) -> "Markup":
    """A name from outside, isolated so that its writing direction does not change the text around it."""
    from markupsafe import Markup

    return Markup("<bdi>{}</bdi>").format(read_name(value, limit=limit))


def isolate_host(value: str) -> "Markup":
    """A host, from left to right in every language."""
    from markupsafe import Markup

    return Markup('<bdi dir="ltr">{}</bdi>').format(read_host(value))


def isolate_link_host(uri: str) -> "Markup":
    """The host of a link."""
    return isolate_host(read_link_host(uri))


def in_english(value: str) -> "Markup":
    """Words of a provider's file, which are English on the pages of every language."""
    from markupsafe import Markup

    return Markup('<bdi lang="en" dir="ltr">{}</bdi>').format(read_name(value))


def counted(context: "Context", said: Mapping[str, str], count: int, **values: "str | int | Markup") -> "Markup":
    """The sentence for this number of things, with more values of it."""
    return fill(said[plural_category(context["language"], count)], count=count, **values)


def clock(context: "Context", seconds: int) -> "Markup":
    """The time of day in UTC: without a script, a page cannot find the reader's time zone."""
    at = datetime.fromtimestamp(seconds, UTC)
    return fill(_times(context)["clock"], hours=f"{at:%H}", minutes=f"{at:%M}")


def date(context: "Context", seconds: int) -> "Markup":
    """The day in UTC."""
    at, said = datetime.fromtimestamp(seconds, UTC), _times(context)
    return fill(said["date"], day=at.day, month=said["months"].split()[at.month - 1], year=at.year)


def used(context: "Context", seconds: int | None, now: int) -> "Markup":
    """When something was last used, as seen from `now`: in days of UTC. None: no use is recorded."""
    said = _times(context)
    if seconds is None:
        return fill(said["used_never"])
    at, today = datetime.fromtimestamp(seconds, UTC), datetime.fromtimestamp(now, UTC)
    days = (today.date() - at.date()).days
    if days <= 1:
        return fill(said["used_yesterday"] if days == 1 else said["used_today"])
    if days <= MOST_DAYS:
        times: Mapping[str, Any] = read_sections(context["language"], "time")
        return counted(context, times["used_days"], days)
    if at.year == today.year:
        return fill(said["used_on"], day=at.day, month=said["months"].split()[at.month - 1])
    return fill(said["used_in"], date=date(context, seconds))


def _times(context: "Context") -> Mapping[str, str]:
    return {key: said for key, said in read_sections(context["language"], "time").items() if isinstance(said, str)}
