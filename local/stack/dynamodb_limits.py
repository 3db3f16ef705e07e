"""Limits of DynamoDB that moto does not enforce, for the embedded AWS.

Source: "Constraints in Amazon DynamoDB", section "Expression parameters".
"""

import json

MOST_EXPRESSION_BYTES = 4096


def find_long_expression(body: bytes) -> str:
    """The name of a parameter with an expression that is too long, of one request; empty where there is none."""
    if len(body) <= MOST_EXPRESSION_BYTES:
        return ""
    payload = json.loads(body)
    found = [
        name
        for name, value in payload.items()
        if name.endswith("Expression") and len(str(value).encode()) > MOST_EXPRESSION_BYTES
    ]
    return found[0] if found else ""


def refusal_of(name: str) -> bytes:
    """What DynamoDB answers then, with status 400."""
    said = f"Invalid {name}: Expression size has exceeded the maximum allowed size;"
    return json.dumps({"__type": "com.amazon.coral.validate#ValidationException", "message": said}).encode()
