"""The demo provider: OpenID Connect and OAuth 2.0 on loopback, deliberately awkward so that nobody over-fits to it.

What is awkward, each as some real provider does it: tokens come form-encoded unless JSON is asked for; granted scopes
are separated by commas; refresh tokens come only with `access_type=offline` (or `offline_access`), rotate, and end
everything when one is used twice; access tokens live two minutes; PKCE S256 is demanded; the API refuses a request
without User-Agent. The paths of GitHub's OAuth App profile are served too (no ID token, no expiry, errors in a 200).
`faults` adds what only a broken or hostile provider does. Standard library and PyJWT only.
"""

import json
import secrets
import socket
import threading
import time
from base64 import b64decode
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from local.provider_grants import SCOPES, USERS, Client, Family, Faults, Grants, Refused
from local.provider_page import render_message, render_sign_in

if TYPE_CHECKING:
    from chalicelib.providers.definition import ProviderDefinition

_PLAIN = "/login/oauth"  # where the profile without OpenID lives, and its issuer's path
_ENDPOINTS = {
    "/": "home",
    "/.well-known/openid-configuration": "discovery",
    "/jwks": "jwks",
    "/authorize": "authorize",
    "/token": "token",
    "/userinfo": "userinfo",
    "/revoke": "revoke",
    "/api/notes": "api",
    f"{_PLAIN}/authorize": "authorize",
    f"{_PLAIN}/access_token": "token",
    "/user": "user",
    "/user/emails": "emails",
}
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Max-Age": "600",
}
_HUGE = b'{"padding": "' + b"x" * (4 << 20) + b'"}'


@dataclass(frozen=True)
class Received:
    """One request as it came. `endpoint` is its role: discovery, jwks, authorize, token, userinfo, revoke, api ..."""

    method: str
    path: str
    endpoint: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


class RunningProvider:
    """A provider on a port of its own.

    url        its issuer
    faults     switch on what it shall do wrong
    requests   everything it received, in order
    """

    def __init__(self, host: str, port: int) -> None:
        self.grants = Grants()
        self.requests: list[Received] = []
        self.keys: list[tuple[str, ec.EllipticCurvePrivateKey]] = []
        self.rotate_keys()
        self._server = _Server((host, port), self)
        self.url = f"http://{host}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def faults(self) -> Faults:
        """The knobs; `faults.reset()` turns all of them off."""
        return self.grants.faults

    @property
    def port(self) -> int:
        """The port that was chosen."""
        return self._server.server_port

    def add_client(
        self, client_id: str, client_secret: str | None, redirect_uris: tuple[str, ...] | list[str], name: str = ""
    ) -> None:
        """Register an app; None as its secret makes it a public one. The same id again replaces it."""
        client = Client(client_id, client_secret, tuple(redirect_uris), name or client_id)
        self.grants.clients[client_id] = client

    def count(self, endpoint: str) -> int:
        """How many requests an endpoint has received."""
        return sum(request.endpoint == endpoint for request in list(self.requests))

    def rotate_keys(self) -> None:
        """A new signing key; the old one leaves the key set at once."""
        self.keys[:] = [(secrets.token_hex(8), ec.generate_private_key(ec.SECP256R1()))]

    def sign_in(self, authorization_url: str, decision: str = "alice") -> str:
        """Click through the page without a browser: where the browser would be sent next.

        decision   alice, bob or refuse
        """
        parts = urlsplit(authorization_url)
        form = [*parse_qsl(parts.query, keep_blank_values=True), ("decision", decision)]
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
        try:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", parts.path, body=urlencode(form), headers=kind)
            answer = connection.getresponse()
            answer.read()
            location = answer.getheader("Location")
        finally:
            connection.close()
        if location is None:
            raise RuntimeError(f"the provider answered {answer.status} and sends the browser nowhere")
        return location

    def impersonate(self, definition: "ProviderDefinition") -> "ProviderDefinition":
        """The same provider file with its endpoints here, paths kept: so its profile can be played offline."""
        from msgspec.structs import replace

        def here(url: str | None) -> str | None:
            return None if url is None else self.url + url.removeprefix("https://").partition("/")[1] + _path(url)

        identity = definition.identity
        if identity.email_list is not None:
            endpoint = here(identity.email_list.endpoint) or ""
            identity = replace(identity, email_list=replace(identity.email_list, endpoint=endpoint))
        return replace(
            definition,
            issuer=here(definition.issuer),
            authorization_endpoint=here(definition.authorization_endpoint),
            token_endpoint=here(definition.token_endpoint),
            userinfo_endpoint=here(definition.userinfo_endpoint),
            jwks_uri=here(definition.jwks_uri),
            revocation_endpoint=here(definition.revocation_endpoint),
            identity=identity,
            revocation=replace(definition.revocation, url=here(definition.revocation.url)),
        )

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


def start(port: int = 0, host: str = "127.0.0.1") -> RunningProvider:
    """Start a provider; port 0 takes a free one."""
    return RunningProvider(host, port)


def _path(url: str) -> str:
    return url.removeprefix("https://").partition("/")[2]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], provider: RunningProvider) -> None:
        self.provider = provider
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One connection. Every answer goes through `_send`, where the faults of the transport are played."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def do_OPTIONS(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    @property
    def provider(self) -> RunningProvider:
        return self.server.provider

    @property
    def faults(self) -> Faults:
        return self.server.provider.faults

    @property
    def issuer(self) -> str:
        return self.provider.url + (_PLAIN if self.path.startswith(_PLAIN) else "")

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        is_form = (self.headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded")
        self.form = dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)) if is_form else {}
        self.endpoint = _ENDPOINTS.get(parts.path, "")
        if parts.path.startswith("/applications/"):
            self.endpoint = "applications"
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, parts.path, self.endpoint, self.query, self.form, headers)
        self.provider.requests.append(received)
        if self._is_faulty() and self.faults.slow_seconds:
            time.sleep(self.faults.slow_seconds)
        if self._is_faulty() and self.faults.status is not None:
            return self._json({"error": "server_error"}, self.faults.status)
        handler = getattr(self, f"_{self.endpoint}", None)
        if handler is None:
            return self._json({"message": "Not Found"}, 404)
        return handler()

    # Pages

    def _home(self) -> None:
        self._html(render_message("Demo Notes", "A provider to sign in with. Apps send you here when they need to."))

    def _authorize(self) -> None:
        asked = self.form if self.command == "POST" else self.query
        client = self.provider.grants.clients.get(asked.get("client_id", ""))
        if client is None or asked.get("redirect_uri") not in client.redirect_uris:
            text = "The app that sent you here is not registered, or its redirect_uri is not. Nothing was sent to it."
            return self._html(render_message("This link does not work", text), 400)
        if error := self._authorization_error(asked):
            return self._back(asked, {"error": error, "error_description": "The demo provider refuses this request."})
        decision = asked.get("decision") if self.command == "POST" else None
        if decision == "refuse":
            return self._back(asked, {"error": "access_denied", "error_description": "The user said no."})
        if decision in USERS:
            openid = not self.path.startswith(_PLAIN)
            family = self.provider.grants.begin(client, USERS[decision], asked, openid=openid)
            return self._back(asked, {"code": family.code})
        wanted = [SCOPES[scope] for scope in asked.get("scope", "").split() if scope in SCOPES]
        fields = {name: value for name, value in asked.items() if name != "decision"}
        return self._html(
            render_sign_in(app=client.name, scopes=wanted, fields=fields, action=urlsplit(self.path).path)
        )

    def _authorization_error(self, asked: dict[str, str]) -> str | None:
        openid = not self.path.startswith(_PLAIN)
        if asked.get("response_type") != "code" and openid:
            return "unsupported_response_type"
        if asked.get("code_challenge_method") != "S256" and (openid or "code_challenge" in asked):
            return "invalid_request"
        if len(asked.get("code_challenge", "")) != 43 and (openid or "code_challenge" in asked):
            return "invalid_request"
        if openid and not set(asked.get("scope", "").split()) <= SCOPES.keys():
            return "invalid_scope"
        return "login_required" if asked.get("prompt") == "none" else None

    def _back(self, asked: dict[str, str], answer: dict[str, str]) -> None:
        """To the app, with `iss` (RFC 9207)."""
        if "state" in asked:
            answer["state"] = "another-state" if self.faults.wrong_state else asked["state"]
        if not self.faults.omit_iss:
            answer["iss"] = "https://attacker.example" if self.faults.wrong_iss else self.issuer
        separator = "&" if "?" in asked["redirect_uri"] else "?"
        location = asked["redirect_uri"] + separator + urlencode(answer)
        self._send(303, b"", "text/plain", {"Location": location, "Cache-Control": "no-store"})

    # Documents

    def _discovery(self) -> None:
        url = self.provider.url
        self._json(
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "userinfo_endpoint": f"{url}/userinfo",
                "jwks_uri": f"{url}/jwks",
                "revocation_endpoint": f"{url}/revoke",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "subject_types_supported": ["public"],
                "scopes_supported": ["openid", "profile", "email", "offline_access", "notes:read", "notes:write"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def _jwks(self) -> None:
        keys = []
        for kid, key in self.provider.keys:
            jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
            keys.append({**jwk, "kid": kid, "alg": "ES256", "use": "sig"})
        self._json({"keys": keys})

    # Tokens

    def _token(self) -> None:
        client = self._client()
        if client is None:
            return self._refuse("incorrect_client_credentials" if self._plain() else "invalid_client", 401)
        if self.faults.token_error:
            return self._refuse(self.faults.token_error)
        grants = self.provider.grants
        try:
            with grants.lock:
                match self.form.get("grant_type", "authorization_code" if self._plain() else ""):
                    case "authorization_code":
                        family = grants.redeem(client, self.form)
                    case "refresh_token":
                        family = grants.refresh(client, self.form)
                    case _:
                        raise Refused("unsupported_grant_type")
                answer = grants.issue(family)
        except Refused as refused:
            return self._refuse("bad_verification_code" if self._plain() else refused.code)
        if family.openid and not self.faults.drop_id_token:
            answer["id_token"] = self._id_token(family)
        return self._tokens(answer)

    def _id_token(self, family: Family) -> str:
        faults, now = self.faults, int(self.provider.grants.clock())
        kid, key = self.provider.keys[0]
        claims: dict[str, Any] = {
            "iss": "https://attacker.example" if faults.wrong_id_token_issuer else self.provider.url,
            "sub": family.user.sub,
            "aud": "somebody-else" if faults.wrong_audience else family.client_id,
            "iat": now - (7200 if faults.expired_id_token else 0),
            "exp": now + (-3600 if faults.expired_id_token else 600),
            "auth_time": family.auth_time,
            **self._claims(family),
        }
        if family.nonce is not None:
            claims["nonce"] = "another-nonce" if faults.wrong_nonce else family.nonce
        if faults.unsigned:
            return jwt.encode(claims, "", algorithm="none", headers={"kid": kid})
        signing = ec.generate_private_key(ec.SECP256R1()) if faults.wrong_key else key
        return jwt.encode(claims, signing, algorithm="ES256", headers={"kid": kid})

    def _claims(self, family: Family) -> dict[str, Any]:
        claims: dict[str, Any] = {}
        if "profile" in family.scopes:
            claims |= {"name": family.user.name, "preferred_username": family.user.login}
        if "email" in family.scopes and not self.faults.no_email:
            claims |= {"email": family.user.email, "email_verified": not self.faults.unverified_email}
        return claims

    def _revoke(self) -> None:
        client = self._client()
        if client is None:
            return self._refuse("invalid_client", 401)
        self.provider.grants.revoke(client, self.form.get("token", ""))
        return self._json({})

    def _applications(self) -> None:
        """`DELETE /applications/{client_id}/token` of the profile without OpenID."""
        client = self._client()
        try:
            token = str(json.loads(self.body)["access_token"])
        except (ValueError, KeyError, TypeError):
            return self._json({"message": "Validation Failed"}, 422)
        if client is None or self.command != "DELETE" or f"/{client.client_id}/" not in self.path:
            return self._json({"message": "Not Found"}, 404)
        if not self.provider.grants.revoke(client, token):
            return self._json({"message": "Not Found"}, 404)
        return self._send(204, b"", "", {})

    def _client(self) -> Client | None:
        """Who calls: Basic, or in the form; a public client by its name alone."""
        scheme, _, credentials = (self.headers.get("Authorization") or "").partition(" ")
        client_id, secret = self.form.get("client_id", ""), self.form.get("client_secret")
        if scheme.lower() == "basic":
            try:
                client_id, _, secret = b64decode(credentials).decode().partition(":")
            except ValueError:
                return None
            client_id, secret = unquote(client_id), unquote(secret)
        client = self.provider.grants.clients.get(client_id)
        return client if client is not None and client.client_secret == secret else None

    def _plain(self) -> bool:
        return self.path.startswith(_PLAIN)

    def _refuse(self, code: str, status: int = 400) -> None:
        as_200 = self.faults.errors_as_200 or self._plain()
        self._tokens({"error": code, "error_description": "The demo provider refuses."}, 200 if as_200 else status)

    def _tokens(self, answer: dict[str, object], status: int = 200) -> None:
        """Form-encoded, unless JSON is asked for."""
        headers = {"Cache-Control": "no-store"}
        if "application/json" in (self.headers.get("Accept") or ""):
            return self._json(answer, status, headers)
        return self._send(status, urlencode(answer).encode(), "application/x-www-form-urlencoded", headers)

    # What a token opens

    def _family(self) -> Family | None:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        return self.provider.grants.whose(token) if scheme.lower() in ("bearer", "token") else None

    def _userinfo(self) -> None:
        family = self._family()
        if family is None:
            return self._json({"error": "invalid_token"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        sub = "demo-somebody-else" if self.faults.other_userinfo_subject else family.user.sub
        return self._json({"sub": sub, **self._claims(family)})

    def _user(self) -> None:
        if not self.headers.get("User-Agent"):
            return self._json({"message": "Request forbidden: make sure your request has a User-Agent header"}, 403)
        family = self._family()
        if family is None:
            return self._json({"message": "Bad credentials"}, 401)
        user = family.user
        document = {"login": user.login, "id": user.number, "name": user.name, "email": None, "blog": ""}
        pages = {
            "avatar_url": f"https://avatars.demo.example/{user.number}",
            "html_url": f"https://demo.example/{user.login}",
        }
        return self._json({**document, **pages})

    def _emails(self) -> None:
        family = self._family()
        if family is None or not {"user:email", "user"} & family.scopes or self.faults.no_email:
            return self._json({"message": "Not Found"}, 404)
        verified = not self.faults.unverified_email
        others = {"email": "old@demo.example", "primary": False, "verified": True, "visibility": None}
        primary = {"email": family.user.email, "primary": True, "verified": verified, "visibility": "private"}
        return self._json([others, primary])

    def _api(self) -> None:
        """The notes of whoever the token belongs to; any page may call it."""
        if self.command == "OPTIONS":
            return self._send(204, b"", "", _CORS)
        if not self.headers.get("User-Agent"):
            return self._json({"error": "user_agent_missing"}, 403, _CORS)
        family = self._family()
        if family is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return self._json({"error": "invalid_token"}, 401, _CORS | challenge)
        needed = {"notes:write"} if self.command == "POST" else {"notes:read", "notes:write"}
        if not needed & family.scopes:
            return self._json({"error": "insufficient_scope"}, 403, _CORS)
        notes = self.provider.grants.notes_of(family.user)
        if self.command == "POST":
            try:
                notes.append(str(json.loads(self.body)["text"])[:200])
            except (ValueError, KeyError, TypeError):
                return self._json({"error": "invalid_request"}, 400, _CORS)
        listed = [{"id": number, "text": text} for number, text in enumerate(notes, start=1)]
        return self._json({"owner": family.user.login, "notes": listed}, 200, _CORS)

    # Answers

    def _is_faulty(self) -> bool:
        return self.endpoint in self.faults.at

    def _json(self, document: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(document).encode(), "application/json", headers or {})

    def _html(self, page: str, status: int = 200) -> None:
        # No form-action: browsers hold it against the redirect that answers the form, too.
        policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
        headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        self._send(status, page.encode(), "text/html; charset=utf-8", headers)

    def _send(self, status: int, body: bytes, content_type: str, headers: dict[str, str]) -> None:
        if self._is_faulty():
            if self.faults.lose_answer:
                self.close_connection = True
                return
            if self.faults.html:
                body, content_type = b"<!doctype html><h1>Maintenance</h1>", "text/html"
            if self.faults.huge:
                body, content_type = _HUGE, "application/json"
            if self.faults.broken_json:
                body, content_type = body[:-1] + b",", "application/json"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if content_type:
            self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(body)
            except OSError:  # the caller has read enough
                self.close_connection = True
