"""One exchange opened: the real request and answer with every secret masked, and a word on each part."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cli.explanation.explanation import explain
from local.live.brief import page_title, refusals_of, show_brief
from local.live.curl import show_curl
from local.live.exchange import Exchange, Headers, Message
from local.live.masks import is_secret, mask_header, mask_text, mask_url, mask_value
from local.live.proofs import show_pkce, show_tokens
from local.live.stored import show_call
from local.live.words import Word, find_header, find_parameter

Document = dict[str, Any]
MAX_BODY = 4000


def show_details(exchange: Exchange, others: Iterable[Exchange], key_sets: Mapping[str, str]) -> Document:
    """Everything there is to see of it; `key_sets` as in `show_tokens`."""
    return {
        **show_brief(exchange),
        "url": mask_url(exchange.url),
        "request": _show_request(exchange),
        "response": _show_answer(exchange),
        "pkce": show_pkce(exchange, others),
        "tokens": show_tokens(exchange, key_sets),
        "aws": [show_call(call) for call in list(exchange.calls)],
        "refusal": explain(refused) if (refused := refusals_of(exchange)) else None,
        "curl": show_curl(exchange),
    }


def parameters_of(exchange: Exchange) -> list[tuple[str, str, Any]]:
    """Side, name and value of each parameter: those of query, form and JSON, and those that a redirect carries on."""
    asked = [*exchange.query, *exchange.request.form, *exchange.request.document.items()]
    return [
        *(("request", name, value) for name, value in asked),
        *(("answer", name, value) for name, value in exchange.answer.document.items()),
    ]


def _show_request(exchange: Exchange) -> Document:
    parameters = [(name, value) for side, name, value in parameters_of(exchange) if side == "request"]
    return {
        "parameters": [_show(name, value, exchange) for name, value in parameters],
        "headers": _show_headers(exchange.request.headers),
        "body": "" if parameters else _show_body(exchange.request),
    }


def _show_answer(exchange: Exchange) -> Document:
    parameters = [(name, value) for side, name, value in parameters_of(exchange) if side == "answer"]
    page = exchange.answer.is_page
    return {
        "parameters": [_show(name, value, exchange) for name, value in parameters],
        "headers": _show_headers(exchange.answer.headers),
        "leads_to": mask_url(exchange.leads_to) if exchange.leads_to else "",
        "page": page_title(exchange.answer.body) if page else "",
        "body": "" if parameters or page else _show_body(exchange.answer),
    }


def _show(name: str, value: Any, exchange: Exchange) -> Document:
    masked = mask_value(name, value)
    text = masked if isinstance(masked, str) else json.dumps(masked, indent=2, ensure_ascii=False)
    secret = isinstance(value, str) and is_secret(name, value)
    return {"name": name, "value": text, "secret": secret, **_say(find_parameter(name, exchange))}


def _show_headers(headers: Headers) -> list[Document]:
    """Those that something is said about first."""
    rows = [{"name": name, "value": mask_header(name, value), **_say(find_header(name))} for name, value in headers]
    return sorted(rows, key=lambda row: not row["says"])


def _say(word: Word | None) -> Document:
    if word is None:
        return {"says": "", "protects": "", "source": "", "link": ""}
    return {"says": word.says, "protects": word.protects, "source": word.source, "link": word.link}


def _show_body(message: Message) -> str:
    return mask_text(message.body.decode("utf-8", "replace"))[:MAX_BODY]
