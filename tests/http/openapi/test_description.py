"""The published description: current, valid, complete, served; and every answer to one call of each kind fits it."""

import ast
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chalicelib.endpoints.discovery.openapi import PLACE
from chalicelib.protocol.errors import InvalidGrant
from chalicelib.routes.edge import Route
from local.openapi.command import main
from local.openapi.document import Untold, build_document, write_document
from local.openapi.routes import Served, read_served
from local.openapi.schemas import GRANTS, error_classes
from tests.kit import ROOT, described
from tests.kit.http.stack import Stack
from tests.kit.http.surface import ENDPOINTS
from tests.kit.requirement import requirement

# What is refused wherever it comes, and what a provider adds for itself, is no parameter of ours.
REFUSED = {"actor_token", "actor_token_type", "hmac", "registration", "request", "shop", "timestamp"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document()


@requirement("DESC-01")
def test_the_kept_file_is_what_the_code_gives_now() -> None:
    assert PLACE.read_text(encoding="utf-8") == write_document(), "run: python3 dev.py openapi"
    assert main(["--check"]) == 0


@requirement("DESC-01")
def test_it_is_valid_openapi_and_its_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    components = {"components": document["components"]}
    for place, media in _media_of(document):
        if "example" in media:
            check = jsonschema_rs.Draft202012Validator({**media["schema"], **components})
            assert check.is_valid(media["example"]), place
    for schema in _schemas_with_examples(document):
        check = jsonschema_rs.Draft202012Validator({**schema, **components})
        assert all(check.is_valid(one) for one in schema["examples"]), schema


@requirement("DESC-01")
def test_every_path_and_method_of_the_app_is_told_about_and_nothing_else(document: dict[str, Any]) -> None:
    told = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert told == {one.name for one in read_served()}
    assert {name for name in told if not name.startswith("OPTIONS")} == {
        endpoint.name.replace("+}", "}") for endpoint in ENDPOINTS
    }


@requirement("DESC-01")
def test_a_route_that_nobody_has_told_about_fails_the_build() -> None:
    new = Served(method="GET", path="/new", route=Route(endpoint=lambda broker, http: None, counted="memory"))  # type: ignore[arg-type,return-value]
    with pytest.raises(Untold, match="GET /new"):
        build_document([*read_served(), new])
    with pytest.raises(Untold, match="GET /jwks"):
        build_document([one for one in read_served() if one.name != "GET /jwks"])


@requirement("DESC-01")
def test_every_parameter_that_the_code_reads_is_in_it(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    read = {name for file in (ROOT / "chalicelib").rglob("*.py") for name in _names_read(file)}
    assert {"code_verifier", "device_code", "post_logout_redirect_uri"} <= read
    assert [name for name in sorted(read - REFUSED) if f'"{name}"' not in text] == []


@requirement("DESC-01")
def test_every_error_code_and_grant_type_is_in_it(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert set(schemas["Error"]["properties"]["error"]["enum"]) == {kind.code for kind in error_classes()}
    grants = [one["properties"]["grant_type"]["const"] for one in schemas["TokenRequest"]["oneOf"]]
    listed = schemas["Metadata"]["properties"]["grant_types_supported"]["items"]["enum"]
    assert set(grants) == set(GRANTS) == set(listed)


@requirement("DESC-01")
def test_it_is_served_with_the_issuer_to_every_origin_and_without_a_call(stack: Stack) -> None:
    stack.dynamodb.calls.clear()
    stack.kms.calls.clear()
    answer = stack.get("/openapi.json", Origin="https://app.example")
    assert (stack.dynamodb.calls, stack.kms.calls) == ([], [])
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("cache-control") == "public, max-age=300"
    kept = msgspec.json.decode(PLACE.read_bytes())
    assert answer.json == {**kept, "servers": [{"url": stack.settings.issuer}]}


@requirement("DESC-02")
def test_the_check_finds_an_answer_that_is_not_described() -> None:
    right = {"error": "invalid_grant", "error_description": InvalidGrant.description, "error_id": "1"}
    json_type = {"Content-Type": "application/json"}

    def fault(document: dict[str, Any], status: int = 400, path: str = "/token", **headers: str) -> str | None:
        body = json.dumps(document).encode()
        return described.find_fault(path, "POST", status, {**json_type, **headers}, body)

    assert fault(right) is None
    assert "not described" in (fault(right, status=402) or "")
    assert "not described" in (fault(right, path="/tokens") or "")
    assert "more" in (fault({**right, "more": 1}) or "")
    assert "consent_required" in (fault({**right, "error": "consent_required"}) or "")
    assert "text/html" in (fault(right, **{"Content-Type": "text/html"}) or "")
    assert "error_id" in (fault({name: right[name] for name in ("error", "error_description")}) or "")


def _media_of(document: Any, place: str = "") -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(document, dict):
        return []
    own = [(f"{place}/{kind}", media) for kind, media in document.get("content", {}).items()]
    return own + [one for name, value in document.items() for one in _media_of(value, f"{place}/{name}")]


def _schemas_with_examples(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, list):
        return [one for value in document for one in _schemas_with_examples(value)]
    if not isinstance(document, dict):
        return []
    own = [document] if isinstance(document.get("examples"), list) else []
    return own + [one for value in document.values() for one in _schemas_with_examples(value)]


def _names_read(file: Path) -> list[str]:
    """X of every parameters.get("X"), .require("X") and .all("X")."""
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    return [
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        if call.func.attr in ("get", "require", "all") and getattr(call.func.value, "id", "") == "parameters"
        if call.args and isinstance(call.args[0], ast.Constant)
    ]
