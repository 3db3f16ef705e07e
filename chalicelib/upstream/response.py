"""Reads responses of providers: JSON or form, dotted paths, and the meaning of each status."""

from urllib.parse import parse_qsl

import msgspec

from chalicelib.protocol.ascii_text import is_digits, lower, trim
from chalicelib.upstream.http import HttpResponse, ProviderMisbehaved, ProviderRefused, ProviderUnavailable

MAX_DEPTH = 4  # of objects in objects in which a token may lie
_FORM = "application/x-www-form-urlencoded"


def content_type(response: HttpResponse) -> str:
    """The media type without parameters, in lower case; "" when there is none."""
    return lower(trim(response.headers.get("content-type", "").partition(";")[0]))


def check_reachable(response: HttpResponse, *, place: str) -> None:
    """Take the statuses that say nothing about the request itself out of the way.

    place   snake_case word for the log's reason

    Raises ProviderUnavailable for 429 and 5xx, ProviderMisbehaved for redirects and the like.
    """
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable(f"{place}_status_{response.status}", sent=True)
    if response.status < 200 or 300 <= response.status < 400:
        raise ProviderMisbehaved(f"{place}_status_{response.status}")


def read_json_object(response: HttpResponse, *, place: str, json_types: tuple[str, ...] = ()) -> dict[str, object]:
    """The JSON object of a good answer.

    json_types   further media types under which this provider answers JSON

    Raises ProviderUnavailable, ProviderRefused (4xx), ProviderMisbehaved (not an object of the right type).
    """
    check_reachable(response, place=place)
    if response.status >= 400:
        raise ProviderRefused("other", f"{place}_status_{response.status}")
    return decode_json_object(response, place=place, json_types=json_types)


def read_json_document(response: HttpResponse, *, place: str) -> object:
    """A good answer in JSON, object or list. Raises as `read_json_object` does."""
    check_reachable(response, place=place)
    if response.status >= 400:
        raise ProviderRefused("other", f"{place}_status_{response.status}")
    kind = content_type(response)
    if kind != "application/json" and not kind.endswith("+json"):
        raise ProviderMisbehaved(f"{place}_not_json")
    return _json(response.body, place=place)


def decode_json_object(response: HttpResponse, *, place: str, json_types: tuple[str, ...] = ()) -> dict[str, object]:
    """The body as a JSON object whatever the status; the type must say JSON, so that no page is mistaken for one."""
    kind = content_type(response)
    if kind != "application/json" and not kind.endswith("+json") and kind not in json_types:
        raise ProviderMisbehaved(f"{place}_not_json")
    document = _json(response.body, place=place)
    if not isinstance(document, dict):
        raise ProviderMisbehaved(f"{place}_not_an_object")
    return document


def decode_answer(response: HttpResponse, *, place: str, json_types: tuple[str, ...] = ()) -> dict[str, object]:
    """The body of a token endpoint: JSON, or a form where its type says so (a repeated member is refused)."""
    if content_type(response) != _FORM:
        return decode_json_object(response, place=place, json_types=json_types)
    try:
        pairs = parse_qsl(response.body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=64)
    except ValueError:  # UnicodeDecodeError included
        raise ProviderMisbehaved(f"{place}_not_a_form") from None
    document: dict[str, object] = dict(pairs)
    if len(document) != len(pairs):
        raise ProviderMisbehaved(f"{place}_member_repeated")
    return document


def decode_any_object(response: HttpResponse) -> dict[str, object]:
    """The body as a JSON object whatever its type; an empty one for anything else, where no word of it is believed
    but the one that is looked for."""
    try:
        document = _json(response.body, place="object")
    except ProviderMisbehaved:
        return {}
    return document if isinstance(document, dict) else {}


def decode_json_list(response: HttpResponse) -> list[object]:
    """The body as a JSON list; an empty list for anything else, where the answer only adds to another."""
    try:
        document = _json(response.body, place="list")
    except ProviderMisbehaved:
        return []
    return document if isinstance(document, list) else []


def holds_token(response: HttpResponse) -> bool:
    """Whether an answer has a member that is called some token, whatever its type and wherever it lies."""
    try:
        return _names_token(decode_answer(response, place="token", json_types=(content_type(response),)), MAX_DEPTH)
    except ProviderMisbehaved:
        return False


def _names_token(value: object, depth: int) -> bool:
    if isinstance(value, list):
        return depth > 0 and any(_names_token(one, depth - 1) for one in value)
    if not isinstance(value, dict):
        return False
    named = any("token" in name.lower() and not name.lower().endswith("type") and one for name, one in value.items())
    return named or (depth > 0 and any(_names_token(one, depth - 1) for one in value.values()))


def at(document: object, path: str) -> object:
    """The value at a dotted path, in which numbers index lists; None if any step is missing."""
    for step in path.split("."):
        if isinstance(document, list):
            index = int(step) if is_digits(step) and len(step) < 5 else len(document)
            document = document[index] if index < len(document) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def error_word(error: object) -> str:
    """An error as a file names it: a word, or the digits of a number; "" for what is neither."""
    return str(error) if isinstance(error, str) or (isinstance(error, int) and not isinstance(error, bool)) else ""


def _json(body: bytes, *, place: str) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderMisbehaved(f"{place}_not_json") from None
