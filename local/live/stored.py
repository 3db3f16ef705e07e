"""Calls to DynamoDB and KMS as sent: stored items, with their encrypted values."""

import json
from collections.abc import Mapping
from typing import Any

from local.live.exchange import AwsCall
from local.live.masks import mask_text, mask_value

Document = dict[str, Any]
SHOWN_BYTES = 16
_KMS = frozenset({"Decrypt", "Encrypt", "GenerateDataKey"})


def service_of(call: AwsCall) -> str:
    """The request to which the call belongs."""
    return "KMS" if call.operation in _KMS else "DynamoDB"


def show_call(call: AwsCall) -> Document:
    """The request, its condition, and the item afterwards."""
    payload = call.payload
    shown: Document = {"service": service_of(call), "operation": call.operation, "refused": call.refused}
    if shown["service"] == "KMS":
        plain = len(call.answer.get("Plaintext") or b"")
        context = [f"{name} = {value}" for name, value in payload.get("EncryptionContext", {}).items()]
        what = f"{plain} bytes of key, which are shown nowhere" if plain else ""
        return {**shown, "context": context, "cipher": _show_bytes(payload.get("CiphertextBlob") or b""), "plain": what}
    return {
        **shown,
        "table": payload.get("TableName", ""),
        "condition": _fill(payload, "ConditionExpression") or _fill(payload, "KeyConditionExpression"),
        "update": _fill(payload, "UpdateExpression"),
        "items": [_show_item(table, item) for table, item in _items(call)],
        "absent": [mask_text(name) for name in _absent(call)],
    }


def _items(call: AwsCall) -> list[tuple[str, Mapping[str, Any]]]:
    """The item that the call wrote or found; for a refused condition, the stored item."""
    payload, answer, table = call.payload, call.answer, str(call.payload.get("TableName", ""))
    if call.refused:
        return [(table, answer["Item"])] if answer.get("Item") else []
    if "Responses" in answer:
        return [(name, item) for name, items in answer["Responses"].items() for item in items]
    if "Items" in answer:
        return [(table, item) for item in answer["Items"]]
    written = {
        **payload.get("Key", {}),
        **(payload.get("Item") or answer.get("Attributes") or answer.get("Item") or {}),
    }
    return [(table, written)] if len(written) > len(payload.get("Key", {})) else []


def _absent(call: AwsCall) -> list[str]:
    """Keys that were asked for and are not there."""
    asked = [key["pk"]["S"] for wanted in call.payload.get("RequestItems", {}).values() for key in wanted["Keys"]]
    found = {item["pk"]["S"] for _, item in _items(call) if "pk" in item}
    return sorted(set(asked) - found)


def _show_item(table: str, item: Mapping[str, Any]) -> Document:
    name = str(item.get("pk", {}).get("S", ""))
    rows = [_show_attribute(key, value) for key, value in item.items() if key not in ("pk", "sk")]
    return {"table": table, "key": mask_text(name), "attributes": sorted(rows, key=lambda row: str(row["name"]))}


def _show_attribute(name: str, value: Mapping[str, Any]) -> Document:
    kind, held = next(iter(value.items()))
    if kind == "B":
        what = "hash" if "hash" in name else "salt" if "salt" in name else "cipher text"
        return {"name": name, "kind": what, "value": _show_bytes(held)}
    plain = mask_value(name, _plain(value)) if "hash" not in name else _plain(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return {"name": name, "kind": "", "value": text}


def _plain(value: Mapping[str, Any]) -> Any:
    """An attribute as JSON; bytes as their beginning."""
    kind, held = next(iter(value.items()))
    match kind:
        case "M":
            return {name: _plain(one) for name, one in held.items()}
        case "L":
            return [_plain(one) for one in held]
        case "B":
            return _show_bytes(held)
        case "N":
            return float(held) if "." in held else int(held)
        case "SS" | "NS":
            return sorted(held)
    return held


def _show_bytes(held: bytes) -> str:
    more = "…" if len(held) > SHOWN_BYTES else ""
    return f"{held[:SHOWN_BYTES].hex(' ')}{more} ({len(held)} bytes)"


def _fill(payload: Mapping[str, Any], expression: str) -> str:
    """An expression with its real names; values stay names, since secrets may be among them."""
    text = str(payload.get(expression, ""))
    for name, meant in sorted(payload.get("ExpressionAttributeNames", {}).items(), reverse=True):
        text = text.replace(name, meant)
    return text
