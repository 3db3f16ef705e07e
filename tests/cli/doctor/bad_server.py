"""An authorization server that is good, but for the faults that are switched on: each is called as the check is that
has to find it.

It has one app, a login page and no users; nobody gets a token. Everything that was asked of it stands in `asked`.
"""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cli.doctor.server.asking import NOWHERE

PATH = "/tenant"
CLIENT, REDIRECT_URI = "app", "https://app.example/callback"
METADATA = "/.well-known/oauth-authorization-server"
OIDC = "/.well-known/openid-configuration"
RESOURCE = "/.well-known/oauth-protected-resource"
EC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "kid": "one",
    "use": "sig",
    "alg": "ES256",
}
WEAK_RSA = {"kty": "RSA", "n": "v" + "A" * 170, "e": "AQAB", "kid": "weak", "use": "sig", "alg": "RS256"}
Document = dict[str, Any]


def _put(**members: Any) -> Callable[[Document], None]:
    return lambda document: document.update(members)


def _drop(*names: str) -> Callable[[Document], None]:
    return lambda document: [document.pop(name, None) for name in names] and None


def _add(name: str, value: str) -> Callable[[Document], None]:
    return lambda document: document.__setitem__(name, [*document[name], value])


# Faults that are nothing but another word in the metadata.
WORDS: dict[str, Callable[[Document], None]] = {
    "discovery-issuer": _put(issuer="https://elsewhere.example"),
    "tls-endpoints": _put(revocation_endpoint="http://issuer.example/revoke"),
    "metadata-required": _drop("subject_types_supported"),
    "metadata-types": _put(ui_locales_supported="en"),
    "metadata-implicit": _add("grant_types_supported", "implicit"),
    "metadata-password": _add("grant_types_supported", "password"),
    "metadata-client-methods": _put(
        token_endpoint_auth_methods_supported=["client_secret_basic", "private_key_jwt"],
    ),
    "metadata-client-algorithms": _drop("token_endpoint_auth_signing_alg_values_supported"),
    "metadata-response-modes": _add("response_modes_supported", "fragment"),
    "metadata-pkce": _put(code_challenge_methods_supported=[]),
    "metadata-pkce-plain": _add("code_challenge_methods_supported", "plain"),
    "metadata-iss": _drop("authorization_response_iss_parameter_supported"),
    "algorithm-none": _add("request_object_signing_alg_values_supported", "none"),
    "algorithm-symmetric": _add("id_token_signing_alg_values_supported", "HS256"),
    "jwks-fits": _add("id_token_signing_alg_values_supported", "EdDSA"),
    "agents-come-in": _drop("client_id_metadata_document_supported", "registration_endpoint"),
    "agents-documents": _drop("client_id_metadata_document_supported"),
    "agents-public": _put(token_endpoint_auth_methods_supported=["client_secret_basic"]),
}
# Faults of the key set.
KEYS: dict[str, list[Document]] = {
    "jwks-readable": [],
    "jwks-public": [{**EC_KEY, "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}],
    "jwks-kid": [EC_KEY, EC_KEY],
    "jwks-use": [{name: value for name, value in EC_KEY.items() if name != "use"}],
    "jwks-alg": [{name: value for name, value in EC_KEY.items() if name != "alg"}],
    "jwks-strength": [EC_KEY, WEAK_RSA],
}
RESOURCES: dict[str, Document] = {
    "resource-metadata": {"resource": "https://elsewhere.example"},
    "resource-bearer": {"bearer_methods_supported": ["header", "query"]},
}
LOGIN = "<html><body><form method=post><input name=user></form></body></html>"
REFUSAL = "<html><body><p>This request cannot be answered.</p></body></html>"


class BadServer:
    """Listens on loopback once made. `issuer` may name another address that leads here."""

    def __init__(self) -> None:
        self.faults: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"bad": self}))
        self.port: int = self._http.server_port
        self.own_issuer = self.issuer = f"http://127.0.0.1:{self.port}{PATH}"
        Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()

    def metadata(self) -> Document:
        """With the faults in it."""
        document: Document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "registration_endpoint": f"{self.issuer}/register",
            "jwks_uri": f"{self.issuer}/jwks",
            "scopes_supported": ["openid"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "request_object_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
        }
        for fault in sorted(self.faults & WORDS.keys()):
            WORDS[fault](document)
        return document

    def resource(self) -> Document:
        """Itself as a protected resource, with the faults in it."""
        document: Document = {
            "resource": self.issuer,
            "authorization_servers": [self.issuer],
            "bearer_methods_supported": ["header"],
        }
        for fault in sorted(self.faults & RESOURCES.keys()):
            document |= RESOURCES[fault]
        return document

    def keys(self) -> Document:
        """The key set, with the faults in it."""
        return {"keys": next((KEYS[fault] for fault in self.faults & KEYS.keys()), [EC_KEY])}


class _Handler(BaseHTTPRequestHandler):
    """One request; `bad` is the server that it belongs to."""

    bad: BadServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.bad.asked.append(("GET", self.path, ""))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        known: dict[str, Callable[[dict[str, str]], None]] = {
            f"{METADATA}{PATH}": lambda query: self._metadata(hidden="discovery-path-inserted"),
            f"{OIDC}{PATH}": lambda query: self._metadata(hidden="discovery-path-inserted"),
            f"{PATH}{OIDC}": lambda query: self._metadata(hidden="discovery-path-appended"),
            f"{RESOURCE}{PATH}": lambda query: self._json(self.bad.resource()),
            f"{PATH}/jwks": lambda query: self._jwks(),
            f"{PATH}/authorize": self._authorize,
            f"{PATH}/token": self._token_by_get,
            f"{PATH}/userinfo": self._userinfo,
        }
        known.get(parts.path, lambda query: self._json({"error": "not_found"}, 404))(query)

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.bad.asked.append(("POST", self.path, body))
        given = parse_qs(body) | (parse_qs(parts.query) if self._has("token-query") else {})
        if not given:
            self._refuse({"error": "invalid_request"}, 400)
        elif self._has("token-refuses"):
            self._refuse({"error": "invalid_grant"}, 400)
        else:
            self._refuse({"error": "invalid_client"}, 401)

    def _has(self, fault: str) -> bool:
        return fault in self.bad.faults

    def _metadata(self, *, hidden: str) -> None:
        if self._has(hidden) or self._has("discovery-found"):
            return self._json({"error": "not_found"}, 404)
        if self._has("discovery-no-redirect") and not self.path.startswith(PATH):
            return self._send(302, b"", {"Location": f"{PATH}{OIDC}"})
        document = self.bad.metadata()
        if self._has("discovery-agrees") and self.path.startswith(PATH):
            document["scopes_supported"] = ["openid", "email"]
        kind = "text/plain" if self._has("discovery-json") else "application/json"
        return self._json(document, kind=kind, cors=not self._has("cors-metadata"))

    def _jwks(self) -> None:
        kept = {} if self._has("jwks-cache") else {"Cache-Control": "public, max-age=3600"}
        if self._has("cors-credentials"):
            kept |= {"Access-Control-Allow-Origin": NOWHERE, "Access-Control-Allow-Credentials": "true"}
        self._json(self.bad.keys(), headers=kept, cors=not (self._has("cors-jwks") or self._has("cors-credentials")))

    def _authorize(self, query: dict[str, str]) -> None:
        uri = query.get("redirect_uri", "")
        if query.get("client_id") != CLIENT:
            if self._has("authorize-open-redirector"):
                return self._send(302, b"", {"Location": f"{uri}?error=unauthorized_client"})
            return self._page(REFUSAL, 500 if self._has("authorize-stands") else 400)
        near = self._has("client-redirect-exact") and uri.startswith(REDIRECT_URI)
        if uri != REDIRECT_URI and not near:
            return self._page(REFUSAL, 400)
        error = self._error(query)
        return self._page(LOGIN) if error is None else self._tell(error, query)

    def _error(self, query: dict[str, str]) -> str | None:
        """What is wrong with the request of the app."""
        kind, method = query.get("response_type"), query.get("code_challenge_method", "plain")
        if kind != "code" and not (kind == "token" and self._has("client-response-type")):
            return "unsupported_response_type"
        if "code_challenge" not in query:
            return None if self._has("client-pkce-required") else "invalid_request"
        if method != "S256" and not self._has(
            "client-pkce-plain" if "code_challenge_method" in query else "client-pkce-method"
        ):
            return "invalid_request"
        return "invalid_target" if "#" in query.get("resource", "") and not self._has("client-resource") else None

    def _tell(self, error: str, query: dict[str, str]) -> None:
        told = {"error": error}
        told |= {} if self._has("client-state") else {"state": query.get("state", "")}
        told |= {} if self._has("client-iss") else {"iss": self.bad.issuer}
        self._send(302, b"", {"Location": f"{REDIRECT_URI}?{urlencode(told)}"})

    def _page(self, text: str, status: int = 200) -> None:
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "" if self._has("authorize-frames") else "frame-ancestors 'none'",
            "Referrer-Policy": "" if self._has("authorize-referrer") else "same-origin",
            "Strict-Transport-Security": "" if self._has("tls-hsts") else "max-age=31536000",
            "Access-Control-Allow-Origin": "*" if self._has("cors-authorize") else "",
            "Set-Cookie": "trip=1; Path=/; Secure; HttpOnly; SameSite=Lax; Expires=Thu, 26 Nov 2026 00:00:00 GMT",
        }
        if self._has("authorize-cookies"):
            headers["Set-Cookie"] = "trip=1; Path=/; Secure"
        self._send(status, text.encode(), {name: value for name, value in headers.items() if value})

    def _token_by_get(self, query: dict[str, str]) -> None:
        self._json({"error": "invalid_request"}, 405)

    def _refuse(self, document: Document, status: int) -> None:
        """An error of the token endpoint."""
        renamed = "x-amzn-Remapped-WWW-Authenticate" if self._has("header-renamed") else "WWW-Authenticate"
        headers = {} if self._has("token-no-store") else {"Cache-Control": "no-store"}
        headers |= {} if self._has("token-challenge") or status != 401 else {renamed: 'Basic realm="bad"'}
        kind = "text/html" if self._has("token-json") else "application/json"
        self._json(document, status, kind=kind, headers=headers, cors=not self._has("cors-token"))

    def _userinfo(self, query: dict[str, str]) -> None:
        told = 'Bearer realm="bad"'
        if not self._has("resource-challenge"):
            told += f', resource_metadata="{self.bad.issuer}"'
        if self._has("userinfo-query") and "access_token" in query:
            told += ', error="invalid_token"'
        status = 403 if self._has("userinfo-challenge") else 401
        self._json({}, status, headers={"WWW-Authenticate": told}, cors=not self._has("cors-userinfo"))

    def _json(
        self,
        document: Document,
        status: int = 200,
        *,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
        cors: bool = True,
    ) -> None:
        open_to_all = {"Access-Control-Allow-Origin": "*"} if cors else {}
        self._send(status, json.dumps(document).encode(), {"Content-Type": kind, **open_to_all, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
