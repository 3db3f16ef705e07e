"""Holds every answer of the app against the published description: status, media type, headers, body.

The description leaves room for members to come; here none is allowed that it does not name, so that a new one is told
about. `Described` stands before the app and keeps what does not fit; a fixture of tests/conftest.py lets the test fail.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from chalicelib.endpoints.discovery.openapi import PLACE
from local.stack.threaded_app import make_thread_safe

Schema = dict[str, Any]
faults: list[str] = []
MASKED = re.compile(r"[A-Za-z0-9_.\-]{24,}")


@cache
def document() -> Schema:
    """As it is kept."""
    read: Schema = json.loads(PLACE.read_text(encoding="utf-8"))
    return read


def close(schema: Any) -> Any:
    """The same schema without room for further members."""
    if isinstance(schema, list):
        return [close(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(value) for name, value in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def validator(place: str) -> Any:
    """For the schema at this place of the document: a JSON text of keys."""
    found: Any = document()
    for key in json.loads(place):
        found = found[key]
    schemas = {name: close(one) for name, one in document()["components"]["schemas"].items()}
    return jsonschema_rs.Draft202012Validator({**close(found), "components": {"schemas": schemas}})


def find_fault(path: str, method: str, status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """What is wrong with one answer, or None. path: as the app's route has it."""
    name = f"{method} {path} {status}"
    operation = document()["paths"].get(path.replace("+}", "}"), {}).get(method.lower())
    if operation is None:
        return f"{name}: this operation is not described"
    if "Broker-Answer" in headers and headers["Broker-Answer"] == "provider":
        return None
    answer, place = _answer(operation["responses"], path.replace("+}", "}"), method.lower(), str(status))
    if answer is None:
        return f"{name}: this status is not described: {body[:200]!r}"
    if missing := [one for one in _demanded(answer) if one not in headers]:
        return f"{name}: without {missing}"
    kind, content = headers.get("Content-Type"), answer.get("content", {})
    if not body or method == "HEAD":
        return f"{name}: no body" if content and method != "HEAD" and status < 300 else None
    if kind not in content:
        return f"{name}: {kind} is not among {sorted(content)}"
    if not (kind == "application/json" and "schema" in content[kind]):
        return None
    checked = validator(json.dumps([*place, "content", kind, "schema"]))
    wrong = next(checked.iter_errors(json.loads(body)), None)
    return f"{name}: {MASKED.sub('...', str(wrong))[:600]}" if wrong else None


def _answer(responses: Schema, path: str, method: str, status: str) -> tuple[Schema | None, list[str]]:
    found = responses.get(status)
    if found is None:
        return None, []
    if "$ref" in found:
        name = found["$ref"].rpartition("/")[2]
        return document()["components"]["responses"][name], ["components", "responses", name]
    return found, ["paths", path, method, "responses", status]


def _demanded(answer: Schema) -> list[str]:
    return [name for name, header in answer.get("headers", {}).items() if header.get("required")]


class Described:
    """Stands before the app, as the gateway calls it."""

    def __init__(self, app: Any) -> None:
        make_thread_safe(app)
        self._app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def __call__(self, event: Any, context: Any) -> Any:
        answer = self._app(event, context)
        body = answer["body"] or ""
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
        headers = {**answer.get("headers", {})}
        headers |= {name: values[0] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        fault = find_fault(event["resource"], event["httpMethod"], answer["statusCode"], headers, content)
        if fault is not None:
            faults.append(fault)
        return answer
