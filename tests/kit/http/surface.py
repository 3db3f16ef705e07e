"""Every endpoint with one request that a caller could send there, and what it promises to browsers of other origins."""

import http.client
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from tests.kit.http.browser import FORM, Answer
from tests.kit.http.stack import Stack

JSON = "application/json"


class Endpoint(NamedTuple):
    """body: what it reads. cors: the methods that any origin may call; none where an app's own pages alone may call it
    with a cookie. cached: a good answer may be kept."""

    method: str
    path: str
    body: str = ""
    fields: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    page: bool = False
    cached: bool = False

    @property
    def name(self) -> str:
        """As a test shows it."""
        return f"{self.method} {self.path}"

    def fill(self, part: str) -> str:
        """Its path with this, percent-encoded, for each parameter."""
        return re.sub(r"\{[^}]+\}", lambda _: part, self.path)

    @property
    def limit(self) -> int:
        """Bytes of body that are read."""
        return {"json": 16 << 10, "bytes": 4 << 20}.get(self.body, 64 << 10)


_AUTHORIZE = (
    "response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method response_mode prompt "
    "max_age login_hint provider dpop_jkt resource request request_uri id_token_hint claims ui_locales acr_values"
)
_TOKEN = (
    "grant_type code redirect_uri code_verifier refresh_token client_id client_secret scope resource subject_token "
    "subject_token_type audience actor_token actor_token_type requested_token_type client_assertion "
    "client_assertion_type password username device_code assertion"
)
_DEVICE = "client_id client_secret scope resource provider client_assertion"
_REGISTER = (
    "redirect_uris client_name token_endpoint_auth_method grant_types response_types scope client_uri logo_uri "
    "policy_uri tos_uri jwks_uri jwks contacts software_statement application_type initiate_login_uri client_secret "
    "post_logout_redirect_uris"
)
_LOGOUT = "id_token_hint logout_hint client_id post_logout_redirect_uri state ui_locales request"
_SESSION = "return_to origin scope provider prompt max_age login_hint ui_locales"
_ABOUT_A_TOKEN = "token token_type_hint client_id client_secret client_assertion client_assertion_type"
_CALLBACK = "code state iss error error_description id_token scope session_state"
_WELL_KNOWN = ("oauth-authorization-server", "openid-configuration", "oauth-protected-resource")
GET = ("GET",)
_MANAGED = ("GET", "PUT", "DELETE")
CALLS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ENDPOINTS = (
    *(Endpoint("GET", f"/.well-known/{name}", cors=GET, cached=True) for name in _WELL_KNOWN),
    *(Endpoint("GET", f"/.well-known/{name}/{{issuer_path}}", cors=GET) for name in _WELL_KNOWN),
    Endpoint("GET", "/jwks", cors=GET, cached=True),
    Endpoint("GET", "/openapi.json", cors=GET, cached=True),
    Endpoint("GET", "/"),
    Endpoint("GET", "/health"),
    *(Endpoint("HEAD", f"/.well-known/{name}", cors=GET, cached=True) for name in _WELL_KNOWN),
    *(Endpoint("HEAD", f"/.well-known/{name}/{{issuer_path}}", cors=GET) for name in _WELL_KNOWN),
    Endpoint("HEAD", "/jwks", cors=GET, cached=True),
    Endpoint("HEAD", "/openapi.json", cors=GET, cached=True),
    Endpoint("HEAD", "/"),
    Endpoint("HEAD", "/health"),
    *(Endpoint(method, "/{elsewhere+}", cors=GET) for method in ("GET", "HEAD")),
    Endpoint("GET", "/authorize", fields=tuple(_AUTHORIZE.split()), page=True),
    Endpoint("POST", "/authorize", "form", tuple(_AUTHORIZE.split()), page=True),
    Endpoint("POST", "/signin", "form", ("request", "provider", "decision", "scope", "ends"), page=True),
    Endpoint("GET", "/callback/{provider_id}", fields=tuple(_CALLBACK.split()), page=True),
    Endpoint("POST", "/callback/{provider_id}", "form", tuple(_CALLBACK.split()), page=True),
    Endpoint("GET", "/logout", fields=tuple(_LOGOUT.split()), page=True),
    Endpoint("POST", "/logout", "form", (*_LOGOUT.split(), "decision"), page=True),
    Endpoint("GET", "/account", fields=("q",), page=True),
    Endpoint("GET", "/account/apps/{app}", page=True),
    Endpoint("GET", "/account/accounts", page=True),
    Endpoint("GET", "/account/accounts/{account}", page=True),
    Endpoint("GET", "/account/data", page=True),
    Endpoint("POST", "/account", "form", ("request", "act", "scope"), page=True),
    Endpoint("POST", "/device_authorization", "form", tuple(_DEVICE.split()), ("POST",)),
    Endpoint("GET", "/device", fields=("user_code",), page=True),
    Endpoint("POST", "/device", "form", ("user_code",), page=True),
    Endpoint("POST", "/connect", "form", ("provider", "scope", "redirect_uri", "state"), ("POST",)),
    Endpoint("GET", "/connect/{link}", page=True),
    Endpoint("POST", "/connect/{link}", "form", ("request", "decision", "scope"), page=True),
    Endpoint("POST", "/token", "form", tuple(_TOKEN.split()), ("POST",)),
    Endpoint("POST", "/par", "form", (*_AUTHORIZE.split(), "client_secret"), ("POST",)),
    Endpoint("POST", "/revoke", "form", tuple(_ABOUT_A_TOKEN.split()), ("POST",)),
    Endpoint("POST", "/introspect", "form", tuple(_ABOUT_A_TOKEN.split())),
    Endpoint("GET", "/userinfo", cors=("GET", "POST")),
    Endpoint("POST", "/userinfo", "form", ("access_token",), ("GET", "POST")),
    Endpoint("GET", "/connections", cors=("GET", "DELETE")),
    Endpoint("DELETE", "/connections", cors=("GET", "DELETE")),
    Endpoint("GET", "/connections/{connection_id}", cors=("GET", "DELETE")),
    Endpoint("DELETE", "/connections/{connection_id}", cors=("GET", "DELETE")),
    Endpoint("POST", "/register", "json", tuple(_REGISTER.split()), ("POST",)),
    Endpoint("GET", "/register/{client_id}", cors=_MANAGED),
    Endpoint("PUT", "/register/{client_id}", "json", ("client_id", *_REGISTER.split()), _MANAGED),
    Endpoint("DELETE", "/register/{client_id}", cors=_MANAGED),
    *(Endpoint(method, "/proxy/{provider_id}/{path+}", "bytes", cors=CALLS) for method in CALLS),
    Endpoint("GET", "/bff/{client_id}/login", fields=tuple(_SESSION.split()), page=True),
    Endpoint("GET", "/bff/{client_id}/session"),
    Endpoint("POST", "/bff/{client_id}/logout"),
    *(Endpoint(method, "/bff/{client_id}/api/{path+}", "bytes") for method in CALLS),
    *(Endpoint(method, "/bff/{client_id}/proxy/{provider_id}/{path+}", "bytes") for method in CALLS),
)
NAMES = [endpoint.name for endpoint in ENDPOINTS]


def call(
    stack: Stack,
    endpoint: Endpoint,
    values: Mapping[str, Any] | None = None,
    headers: Iterable[tuple[str, str]] = (),
    *,
    part: str = "x",
) -> Answer:
    """One request: `values` go where the endpoint reads them, `part` into its path."""
    values = values or {}
    path = endpoint.fill(quote(part, safe=""))
    body, sent = b"", list(headers)
    named = {name.lower() for name, _ in sent}
    if endpoint.body == "json":
        body = json.dumps(values).encode()
    elif endpoint.body in ("form", "bytes"):
        body = urlencode(values).encode()
    elif values:
        path += "?" + urlencode(values)
    if body and "content-type" not in named:
        sent.append(("Content-Type", JSON if endpoint.body == "json" else FORM))
    if endpoint.path in ("/signin", "/device", "/connect/{link}", "/account") and "origin" not in named:
        sent.append(("Origin", stack.settings.issuer))
    return raw(stack.netloc, endpoint.method, path, sent, body)


def raw(netloc: str, method: str, path: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Answer:
    """One request whose headers are sent as they stand: in this order, in this case, however often."""
    sent = list(headers)
    named = {name.lower() for name, _ in sent}
    connection = http.client.HTTPConnection(netloc, timeout=30)
    try:
        connection.putrequest(method, path, skip_host="host" in named, skip_accept_encoding=True)
        for name, value in sent:
            connection.putheader(name, value.encode("latin-1"))
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        content = response.read().decode("utf-8", "replace")
        return Answer(response.status, tuple((n.lower(), v) for n, v in response.getheaders()), content)
    finally:
        connection.close()


def read_tables(stack: Stack, *, without: tuple[str, ...] = ("RATE#",)) -> dict[str, Any]:
    """Every item of both tables, by key: what a request has changed shows in it."""
    items: dict[str, Any] = {}
    for table in (stack.settings.table, stack.settings.keys_table):
        start: dict[str, Any] = {}
        while True:
            payload = {"TableName": table, "ConsistentRead": True, **({"ExclusiveStartKey": start} if start else {})}
            answer = stack.deployment.dynamodb.call("Scan", payload)
            for item in answer["Items"]:
                if not item["pk"]["S"].startswith(without):
                    items[f"{table}/{item['pk']['S']}/{item['sk']['S']}"] = item
            start = answer.get("LastEvaluatedKey") or {}
            if not start:
                break
    return items
