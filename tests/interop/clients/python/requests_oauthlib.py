"""requests-oauthlib, with the clients of oauthlib that it is given."""

import time
from typing import Any
from urllib.parse import urlsplit

from oauthlib.common import urldecode
from oauthlib.oauth2 import (
    BackendApplicationClient,
    DeviceClient,
    InvalidGrantError,
    OAuth2Error,
    WebApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.interop.clients.apps import JOBS, OPEN, SCOPE, App
from tests.interop.clients.python.expecting import expect_error
from tests.interop.clients.scene import Scene

API = (OAuth2Session, WebApplicationClient, BackendApplicationClient, DeviceClient)


def code(scene: Scene) -> None:
    for app in (scene.public, scene.web):
        assert set(sign_in(scene, app).token["scope"]) == set(SCOPE.split())


def refresh(scene: Scene) -> None:
    session = sign_in(scene, scene.public)
    old = dict(session.token)
    fresh = session.refresh_token(scene.metadata["token_endpoint"], client_id=scene.public.client_id)
    assert fresh["access_token"] != old["access_token"] and fresh["refresh_token"] != old["refresh_token"]
    assert session.get(scene.metadata["userinfo_endpoint"]).status_code == 200


def revoke(scene: Scene) -> None:
    client = WebApplicationClient(scene.web.client_id)
    session = sign_in(scene, scene.web, client)
    held = session.token["refresh_token"]
    url, headers, body = client.prepare_token_revocation_request(scene.metadata["revocation_endpoint"], held)
    basic = HTTPBasicAuth(scene.web.client_id, scene.web.secret)
    assert session.post(url, body, headers=headers, auth=basic, withhold_token=True).status_code == 200
    assert session.get(scene.metadata["userinfo_endpoint"]).status_code == 401
    with expect_error(InvalidGrantError, "InvalidGrantError"):
        session.refresh_token(scene.metadata["token_endpoint"], auth=basic)


def userinfo(scene: Scene) -> None:
    claims = sign_in(scene, scene.public).get(scene.metadata["userinfo_endpoint"]).json()
    assert claims["name"].startswith("Alice")


def device(scene: Scene) -> None:
    client = DeviceClient(scene.television.client_id, scope=SCOPE)
    session = OAuth2Session(client=client)
    endpoint, token_endpoint = scene.metadata["device_authorization_endpoint"], scene.metadata["token_endpoint"]
    form = dict(urldecode(urlsplit(client.prepare_request_uri(endpoint)).query))
    told = session.post(endpoint, form).json()
    poll = {"device_code": told["device_code"], "include_client_id": True}
    with expect_error(OAuth2Error, "authorization_pending"):
        session.fetch_token(token_endpoint, **poll)
    scene.device(told["verification_uri_complete"])
    time.sleep(told["interval"])
    session.fetch_token(token_endpoint, **poll)
    assert session.get(scene.metadata["userinfo_endpoint"]).json()["name"].startswith("Alice")


def client_credentials(scene: Scene) -> None:
    session = OAuth2Session(client=BackendApplicationClient(scene.machine.client_id), scope=[JOBS])
    token = session.fetch_token(scene.metadata["token_endpoint"], client_secret=scene.machine.secret)
    assert token["scope"] == [JOBS] and "refresh_token" not in token


def cimd(scene: Scene) -> None:
    session = sign_in(scene, scene.documented, scope=OPEN)
    assert session.get(scene.metadata["userinfo_endpoint"]).json()["name"].startswith("Alice")


def sign_in(scene: Scene, app: App, client: WebApplicationClient | None = None, scope: str = SCOPE) -> OAuth2Session:
    """A session that holds tokens."""
    session = OAuth2Session(
        app.client_id, client=client, redirect_uri=app.redirect_uri, scope=scope.split(), pkce="S256"
    )
    url, _ = session.authorization_url(scene.metadata["authorization_endpoint"])
    credentials: dict[str, Any] = {"client_secret": app.secret} if app.secret else {"include_client_id": True}
    session.fetch_token(scene.metadata["token_endpoint"], authorization_response=scene.person(url), **credentials)
    return session
