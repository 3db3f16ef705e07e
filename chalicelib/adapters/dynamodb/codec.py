"""Converts records to DynamoDB's JSON and back. Empty values are omitted; the record's default restores them."""

from typing import Any, TypeVar

import msgspec

from chalicelib.ports import ItemUnreadable
from chalicelib.records.item_keys import OWN_ITEM_KEYS, ItemKey

T = TypeVar("T")
SCHEMA = 1


def encode_item(pk: str, record: msgspec.Struct, **more: object) -> dict[str, Any]:
    """One item: pk, sk, schema, the record's fields, and further attributes (purge_at, written_by)."""
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    attributes = {name: encode(value) for name, value in {**fields, **more}.items() if not is_empty(value)}
    return {**key(pk), "schema": {"N": str(SCHEMA)}, **attributes}


def key(pk: str, sk: str = "#") -> dict[str, Any]:
    """The two key attributes."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def encode(value: object) -> dict[str, Any]:
    """One attribute value. Scopes are string sets, because `contains` on a string would match substrings."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, frozenset):
        return {"SS": sorted(value)}
    if isinstance(value, tuple):
        return {"L": [encode(item) for item in value]}
    if isinstance(value, msgspec.Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {"M": {name: encode(item) for name, item in value.items() if not is_empty(item)}}
    raise TypeError(f"no attribute type for {type(value).__name__}")


def decode_item(item: dict[str, Any], record: type[T]) -> T:
    """The record of one item. Unknown attributes are ignored, so schema n can read n + 1.

    Raises ItemUnreadable.
    """
    try:
        plain = {name: _decode(value) for name, value in item.items()}
        return msgspec.convert(plain, record, builtin_types=(bytes,), strict=True)
    except (msgspec.ValidationError, ValueError, TypeError):
        raise ItemUnreadable("item_unreadable") from None


def decode_at(item_key: ItemKey[T], item: dict[str, Any]) -> T:
    """The record at this key. A record whose own id belongs to another key was copied, and is rejected.

    Raises ItemUnreadable.
    """
    record = decode_item(item, item_key.record)
    own = OWN_ITEM_KEYS.get(item_key.record)
    if own is not None and own(record).pk != item_key.pk:
        raise ItemUnreadable("item_unreadable")
    return record


def _decode(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    if kind == "B":
        return bytes(content)
    if kind == "L":
        return [_decode(item) for item in content]
    if kind == "M":
        return {name: _decode(item) for name, item in content.items()}
    return content


def is_empty(value: object) -> bool:
    """True for a value that is omitted from the item."""
    return value is None or value == "" or value == frozenset() or value == b""
