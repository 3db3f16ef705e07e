"""Records to DynamoDB's own JSON and back. What is empty is left out; a record's default says 'empty' again."""

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
    """One attribute value. Scopes are string sets: `contains` on a string would match substrings."""
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
    """The record of one item; attributes that the record does not name are ignored (schema n reads n + 1).

    Raises ItemUnreadable.
    """
    try:
        plain = {name: _decode(value) for name, value in item.items()}
        return msgspec.convert(plain, record, builtin_types=(bytes,), strict=True)
    except (msgspec.ValidationError, ValueError, TypeError):
        raise ItemUnreadable("item_unreadable") from None


def decode_at(place: ItemKey[T], item: dict[str, Any]) -> T:
    """The record that stands there; one that says that it is called otherwise was copied from its own key.

    Raises ItemUnreadable.
    """
    record = decode_item(item, place.record)
    own = OWN_ITEM_KEYS.get(place.record)
    if own is not None and own(record).pk != place.pk:
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
    """True for what is left out of an item."""
    return value is None or value == "" or value == frozenset() or value == b""
