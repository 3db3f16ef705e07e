"""The whole description, put together."""

from collections import defaultdict
from typing import Any

import msgspec

from chalicelib.endpoints.discovery.unknown_path import UnknownPath
from chalicelib.protocol import errors
from chalicelib.protocol.errors import OAuthError
from chalicelib.routes.cors import EXPOSED
from chalicelib.routes.discovery import NotFound
from chalicelib.routes.host_header import MisdirectedRequest
from local.openapi.heads import with_heads
from local.openapi.named_schemas import build_schemas
from local.openapi.operations import OPERATIONS, Said
from local.openapi.parameters import HEADERS, PATHS, Schema
from local.openapi.routes import Served, read_served
from local.openapi.schemas import ISSUER

JSON, FORM, HTML = "application/json", "application/x-www-form-urlencoded", "text/html; charset=utf-8"
PAGE_STATUSES = (200, 400, 413, 415, 421, 429, 500, 503)
PARTS = "#/components/schemas/"
MEANINGS = {200: "Done.", 201: "Made.", 204: "Done; nothing more to say.", 303: "Leads on."}
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "": [],
    "client": [{"client_secret_basic": []}, {}],
    "server": [{"client_secret_basic": []}, {}],
    "token": [{"access_token": []}, {"bound_access_token": []}],
    "initial token": [{"initial_access_token": []}, {}],
    "management token": [{"registration_access_token": []}],
    "session": [{"session_cookie": []}],
}
SCHEMES: dict[str, Schema] = {
    "client_secret_basic": {
        "type": "http",
        "scheme": "basic",
        "description": "Id and secret of the client. A client that is registered for another method sends instead: "
        "client_secret_post: client_id and client_secret in the form; private_key_jwt: client_assertion and "
        "client_assertion_type in the form; none: client_id in the form.",
    },
    "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt (RFC 9068)"},
    "bound_access_token": {
        "type": "http",
        "scheme": "DPoP",
        "description": "A token bound to a key, with a proof by that key in the header DPoP (RFC 9449).",
    },
    "initial_access_token": {"type": "http", "scheme": "bearer", "description": "Given out by the operator."},
    "session_cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-tb_bff_CLIENT_ID",
        "description": "Set at the end of a sign-in at /bff/CLIENT_ID/login. It counts with the header Broker-Bff "
        "alone, and from an origin that is registered for this client.",
    },
    "registration_access_token": {"type": "http", "scheme": "bearer", "description": "The newest of the client."},
}


class Untold(Exception):
    """The routes and their descriptions differ."""


def build_document(served: list[Served] | None = None) -> dict[str, Any]:
    """OpenAPI 3.1. Raises Untold."""
    served = read_served() if served is None else served
    names = {one.name for one in served if one.method != "OPTIONS"}
    operations = with_heads(OPERATIONS, names)
    if names != set(operations):
        raise Untold(f"tell about these in local/openapi/operations.py, or no more: {sorted(names ^ set(operations))}")
    paths = defaultdict[str, dict[str, Any]](dict)
    for one in served:
        if one.method == "OPTIONS":
            paths[one.path]["options"] = _preflight(one)
        else:
            paths[one.path][one.method.lower()] = _operation(one, operations[one.name])
    shared = _share(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Token Broker",
            "version": "1",
            "summary": "Sign-in with a provider for an app that holds no secret.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ISSUER}],
        "tags": [{"name": name} for name in sorted({said.tag for said in OPERATIONS.values()})],
        "paths": dict(paths),
        "components": {"schemas": build_schemas(), "responses": shared, "securitySchemes": SCHEMES},
    }


def _share(paths: dict[str, dict[str, Any]]) -> dict[str, Schema]:
    """What several operations answer alike is written once, under the name of the first one; the names, with it."""
    users = defaultdict[tuple[str, bytes], list[tuple[Schema, str, str]]](list)
    for methods in paths.values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                same = (status, msgspec.json.encode(answer))
                users[same].append((operation["responses"], status, operation["operationId"]))
    shared = dict[str, Schema]()
    for places in users.values():
        if len(places) > 1:
            _, status, first = places[0]
            shared[f"{first}_{status}"] = places[0][0][status]
            for responses, status, _ in places:
                responses[status] = {"$ref": f"#/components/responses/{first}_{status}"}
    return shared


def write_document() -> str:
    """The text of the file in the repository."""
    return msgspec.json.format(msgspec.json.encode(build_document()), indent=1).decode() + "\n"


def _operation(served: Served, said: Said) -> Schema:
    operation: Schema = {
        "operationId": _identifier(served),
        "tags": [said.tag],
        "summary": said.summary,
        "security": SECURITY[said.proves],
        "responses": {str(status): answer for status, answer in sorted(_answers(served, said).items())},
    }
    if parameters := _parameters(served, said):
        operation["parameters"] = parameters
    if body := _body(served, said):
        operation["requestBody"] = body
    if served.path.endswith("/{path}"):
        operation["responses"]["default"] = {"description": "The answer of the API.", "content": {"*/*": {}}}
    return operation


def _identifier(served: Served) -> str:
    words = "".join(one if one.isalnum() else " " for one in served.path).split()
    return served.method.lower() + "".join(word.capitalize() for word in words)


def _parameters(served: Served, said: Said) -> list[Schema]:
    found = [_parameter("path", name, PATHS[name], required=True) for name in served.parameters]
    asked = build_schemas().get(said.query, {})
    # At /authorize a reference stands for all the others, so none of them is always needed.
    needed = asked.get("required", []) if served.path != "/authorize" else ["client_id"]
    for name, schema in asked.get("properties", {}).items():
        found.append(_parameter("query", name, schema, required=name in needed))
    if served.path == "/authorize" and said.query:
        reference = build_schemas()["ReferredRequest"]["properties"]["request_uri"]
        found.append(_parameter("query", "request_uri", reference, required=False))
    proofs = ("DPoP",) if served.route.proofs != "none" else ()
    return found + [_parameter("header", name, HEADERS[name], required=False) for name in (*said.headers, *proofs)]


def _parameter(place: str, name: str, schema: Schema, *, required: bool) -> Schema:
    bare = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": place, "required": required, "description": schema["description"], "schema": bare}


def _body(served: Served, said: Said) -> Schema | None:
    if served.route.reads == "bytes" and served.method in ("POST", "PUT", "PATCH"):
        return {"content": {"application/octet-stream": {}, JSON: {}}}
    if not said.body:
        return None
    schemas = [said.body, *(["ReferredRequest"] if said.body == "AuthorizationRequest" else [])]
    named = [{"$ref": PARTS + name} for name in schemas]
    kind = JSON if served.route.reads == "json" else FORM
    return {"content": {kind: {"schema": named[0] if len(named) == 1 else {"anyOf": named}}}}


def _answers(served: Served, said: Said) -> dict[int, Schema]:
    if served.route.is_page:
        return _pages(said)
    found = _refusals(served, said)
    for status, schema in said.gives.items():
        found[status] = _answer(status, {JSON: {"schema": {"$ref": PARTS + schema}}} if schema else {})
        if schema and said.also:
            found[status]["content"] |= {kind: {"schema": {"type": "string"}} for kind in said.also}
        if said.cached:
            found[status]["headers"]["Cache-Control"] = _header("How long it may be cached.")
    return found


def _pages(said: Said) -> dict[int, Schema]:
    """For people; a machine reads the statuses alone. An endpoint that is switched off answers in JSON."""
    page = {HTML: {"schema": {"type": "string"}}}
    found = {status: _answer(status, page) for status in (*PAGE_STATUSES, *said.page_statuses)}
    found[503]["content"] = {**page, JSON: {"schema": {"$ref": PARTS + "Error"}}}
    for status, schema in said.gives.items():
        found[status]["content"] = {**page, JSON: {"schema": {"$ref": PARTS + schema}}}
    if said.leads:
        found[303] = _answer(303, {})
        found[303]["headers"]["Location"] = _header("Where to.")
    return found


def _refusals(served: Served, said: Said) -> dict[int, Schema]:
    kinds: list[type[OAuthError]] = [errors.InvalidRequest, errors.RequestTooLarge, errors.ServerError]
    kinds += [errors.TemporarilyUnavailable, *said.refuses]
    kinds += [errors.UnsupportedMediaType] if served.route.reads in ("form", "json") else []
    kinds += [] if served.route.counted == "memory" else [errors.TooManyRequests]
    kinds += [] if served.route.any_host else [MisdirectedRequest]
    kinds += [NotFound] if "{issuer_path}" in served.path else []
    kinds += [UnknownPath] if "{elsewhere}" in served.path else []
    by_status = defaultdict[int, list[type[OAuthError]]](list)
    for kind in dict.fromkeys(kinds):
        by_status[kind.status].append(kind)
    return {status: _refusal(status, some) for status, some in by_status.items()}


def _refusal(status: int, kinds: list[type[OAuthError]]) -> Schema:
    codes = sorted({kind.code for kind in kinds})
    lines = dict.fromkeys(f"- `{kind.code}`: {kind.description}" for kind in kinds)
    narrowed = {"$ref": PARTS + "Error", "properties": {"error": {"enum": codes}}}
    example = {"error": codes[0], "error_description": kinds[0].description, "error_id": "5f0e"}
    example["error"] = kinds[0].code
    answer = _answer(status, {JSON: {"schema": narrowed, "example": example}})
    answer["description"] = "\n".join(lines)
    if any(kind.code == "invalid_client" or kind.status == 401 or kind.code == "insufficient_scope" for kind in kinds):
        answer["headers"]["WWW-Authenticate"] = _header(
            "How to prove oneself. API Gateway renames this header to x-amzn-Remapped-WWW-Authenticate."
        )
    if status in (429, 503):
        answer["headers"]["Retry-After"] = _header("Seconds.")
    return answer


def _answer(status: int, content: Schema) -> Schema:
    answer: Schema = {"description": MEANINGS.get(status, "A page says what happened."), "headers": {}}
    return {**answer, "content": content} if content else answer


def _header(says: str) -> Schema:
    return {"description": says, "schema": {"type": "string"}}


def _preflight(served: Served) -> Schema:
    """A browser's question before a page of another origin calls."""
    names = ("Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers")
    headers = {name: _header("As CORS has it.") for name in (*names, "Access-Control-Max-Age")}
    places = _parameters(served, Said(tag="", summary=""))[: len(served.parameters)]
    if served.route.reader is None:
        answers = {"204": {"description": f"Any origin may call {_listed(served)}.", "headers": headers}}
    else:
        headers["Access-Control-Allow-Credentials"] = _header("true")
        said = f"This origin is registered for the client: it may call {_listed(served)}."
        answers = {"204": {"description": said, "headers": headers}, "403": {"description": "No other may."}}
    return {
        "operationId": _identifier(served),
        "tags": ["Cross-origin"],
        "summary": "Which calls a page of another origin may make.",
        "security": [],
        **({"parameters": places} if places else {}),
        "responses": answers,
    }


def _listed(served: Served) -> str:
    return f"{', '.join(served.route.cors)} and read {EXPOSED}"
