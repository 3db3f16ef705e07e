"""A command line that signs in; the redirect comes to any free port of this machine (RFC 8252 section 7.3)."""

import os
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

BROKER, CLIENT_ID = os.environ["BROKER"], os.environ["CLIENT_ID"]
PROVIDER = os.environ.get("PROVIDER", "demo")
SCOPE = os.environ.get("SCOPE", "openid profile offline_access demo:notes:read")
DONE = b"<!doctype html><title>Signed in</title><p>Signed in. Go back to the terminal."


class Answer(HTTPServer):
    """Waits on loopback for the redirect of one sign-in, and refuses every other request."""

    url = ""

    def wait(self, state: str) -> str:
        """The URL that the browser was redirected to."""
        self.state = state
        while not self.url:
            self.handle_request()
        return self.url


class Page(BaseHTTPRequestHandler):
    server: Answer

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        ours = asked.get("state") == [self.server.state]
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if ours:
            self.wfile.write(DONE)
            self.server.url = f"http://127.0.0.1:{self.server.server_port}{self.path}"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the URL holds the authorization code."""


if BROKER.startswith("http://127.0.0.1:"):
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain HTTP is for a broker on this machine alone
with Answer(("127.0.0.1", 0), Page) as server:
    redirect_uri = f"http://127.0.0.1:{server.server_port}/callback"
    app = OAuth2Session(
        CLIENT_ID,
        redirect_uri=redirect_uri,
        scope=SCOPE,
        token_endpoint_auth_method="none",
        code_challenge_method="S256",
    )
    verifier = generate_token(48)
    url, state = app.create_authorization_url(f"{BROKER}/authorize", code_verifier=verifier, provider=PROVIDER)
    print(f"Sign in: {url}", flush=True)
    webbrowser.open(url)
    answer = server.wait(state)
app.fetch_token(f"{BROKER}/token", authorization_response=answer, state=state, code_verifier=verifier)
print(f"Signed in as {app.get(f'{BROKER}/userinfo').json()['name']}")
for connection in app.get(f"{BROKER}/connections").json()["connections"]:
    print(f"{connection['provider']}: {connection['label']}, {connection['status']}")
