"""An exchange as the diagram needs it: two arrows, what they say, and whether one of them is red."""

from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cli.explanation.registry import find_reason
from local.browser import read_page
from local.live.exchange import Exchange
from local.live.masks import mask_text
from local.live.stored import service_of
from local.live.words import find_title


def show_brief(exchange: Exchange) -> dict[str, Any]:
    """For the event stream; nothing in it is secret."""
    return {
        "number": exchange.number,
        "asked": exchange.asked,
        "answered": exchange.answered,
        "caller": exchange.caller,
        "callee": exchange.callee,
        "party": exchange.party,
        "method": exchange.method,
        "path": mask_text(exchange.path),
        "title": find_title(exchange),
        "status": exchange.status,
        "state": exchange.state,
        "attempt": exchange.attempt,
        "answer": answer_in_words(exchange),
        "reason": reason_of(exchange),
        "calls": dict(Counter(service_of(call) for call in list(exchange.calls))),
    }


def answer_in_words(exchange: Exchange) -> str:
    """Status and what came with it, in a few words."""
    if not exchange.answered:
        return ""
    if not exchange.status:
        return "no answer"
    return f"{exchange.status} {_what(exchange)}".strip()


def _what(exchange: Exchange) -> str:
    document = exchange.answer.document
    if exchange.leads_to:
        parts = urlsplit(exchange.leads_to)
        names = [name for name, _ in parse_qsl(parts.query)]
        carried = next((name for name in ("error", "code", "connection_id") if name in names), "")
        on = f"to {parts.netloc}{mask_text(parts.path)}"
        return f"{on} with {carried}" if carried else on
    if exchange.answer.is_page:
        return f"page: {page_title(exchange.answer.body)}"
    if "error" in document:
        return str(document["error"])
    named = [name for name in ("access_token", "refresh_token", "id_token", "keys", "connect_uri") if name in document]
    return ", ".join(named) or ", ".join(list(document)[:3])


def page_title(body: bytes) -> str:
    """A page's heading, else its title."""
    page = read_page(body.decode("utf-8", "replace"))
    return " ".join((page.heading or page.title).split())


def refusals_of(exchange: Exchange) -> list[dict[str, Any]]:
    """The log's lines of what was refused, oldest first."""
    return [line for line in list(exchange.log) if line.get("event") == "refused"]


def reason_of(exchange: Exchange) -> str:
    """Which check did not hold, in words; empty where the broker refused nothing."""
    refused = refusals_of(exchange)
    if not refused:
        return ""
    known = find_reason(str(refused[-1].get("reason")))
    return f"not so: {known.reason.check}" if known else str(refused[-1].get("reason"))
