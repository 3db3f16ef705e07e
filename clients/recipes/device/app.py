"""A device without a browser, or a terminal on another machine: the user types a code elsewhere (RFC 8628)."""

import json
import os
import time
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

BROKER, CLIENT_ID = os.environ["BROKER"], os.environ["CLIENT_ID"]
SCOPE = os.environ.get("SCOPE", "openid profile offline_access demo:notes:read")


def ask(path: str, token: str = "", **form: str) -> dict:
    """Send one request to the broker: its response, or its error."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = Request(BROKER + path, urlencode(form).encode() or None, headers)
    try:
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except HTTPError as refusal:
        return json.load(refusal)


def sign_in() -> dict:
    """Show the code, then ask for tokens as often as the broker allows."""
    told = ask("/device_authorization", client_id=CLIENT_ID, scope=SCOPE)
    print(f"Open {told['verification_uri']} and type {told['user_code']}", flush=True)
    print(f"or open {told['verification_uri_complete']}", flush=True)
    seconds = told["interval"]
    while True:
        time.sleep(seconds)
        form = {"device_code": told["device_code"], "client_id": CLIENT_ID}
        tokens = ask("/token", grant_type="urn:ietf:params:oauth:grant-type:device_code", **form)
        if tokens.get("error") == "slow_down":
            seconds += 5
        elif tokens.get("error") != "authorization_pending":
            return tokens


tokens = sign_in()
if "error" in tokens:
    raise SystemExit(f"Nobody signed in: {tokens['error']}")
access_token = tokens["access_token"]
print(f"Signed in as {ask('/userinfo', access_token)['name']}")
for connection in ask("/connections", access_token)["connections"]:
    print(f"{connection['provider']}: {connection['label']}, {connection['status']}")
