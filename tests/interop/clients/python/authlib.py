"""Authlib: its OAuth 2 session, and its Flask client for what OpenID Connect adds."""

import time
from collections.abc import Callable
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask
from joserfc.jwk import ECKey

from demo.mcp.notes import READ
from tests.interop.clients.apps import GRANT, JOBS, OPEN, SCOPE, App
from tests.interop.clients.python.expecting import expect_error
from tests.interop.clients.scene import Scene
from tests.kit.http.stack import ACCESS_TOKEN, EXCHANGE

API = (OAuth2Session, FlaskOAuth2App)


def code(scene: Scene) -> None:
    for app in (scene.public, scene.web):
        token = sign_in(scene, app).token
        assert set(token["scope"].split()) == set(SCOPE.split())


def refresh(scene: Scene) -> None:
    session = sign_in(scene, scene.public)
    old = dict(session.token)
    fresh = session.refresh_token(scene.metadata["token_endpoint"])
    assert fresh["access_token"] != old["access_token"] and fresh["refresh_token"] != old["refresh_token"]
    assert session.get(scene.metadata["userinfo_endpoint"]).status_code == 200


def revoke(scene: Scene) -> None:
    session = sign_in(scene, scene.web)
    held = session.token["refresh_token"]
    gone = session.revoke_token(scene.metadata["revocation_endpoint"], token=held, token_type_hint="refresh_token")
    assert gone.status_code == 200
    assert session.get(scene.metadata["userinfo_endpoint"]).status_code == 401
    with expect_error(OAuthError, "invalid_grant"):
        session.refresh_token(scene.metadata["token_endpoint"], refresh_token=held)


def introspect(scene: Scene) -> None:
    token = sign_in(scene, scene.public).token["access_token"]
    api = OAuth2Session(scene.api.client_id, scene.api.secret)
    endpoint = scene.metadata["introspection_endpoint"]
    told = api.introspect_token(endpoint, token=token, token_type_hint="access_token").json()
    assert told["active"] is True and told["client_id"] == scene.public.client_id
    assert api.introspect_token(endpoint, token=token[:-4] + "AAAA").json() == {"active": False}


def userinfo(scene: Scene) -> None:
    website, token = _at_website(scene)
    with website.test_request_context():
        claims = _client(website).userinfo(token=token)
    assert claims["sub"] == token["userinfo"]["sub"] and claims["name"].startswith("Alice")


def keys(scene: Scene) -> None:
    """Its Flask client verifies the ID token by our key set before it says who it is."""
    _, token = _at_website(scene)
    assert token["userinfo"]["iss"] == scene.issuer and token["userinfo"]["aud"] == scene.web.client_id


def device(scene: Scene) -> None:
    session = OAuth2Session(scene.television.client_id, scope=SCOPE)
    form = {"client_id": scene.television.client_id, "scope": SCOPE}
    told = session.post(scene.metadata["device_authorization_endpoint"], form, withhold_token=True).json()
    poll = {"grant_type": f"{GRANT}device_code", "device_code": told["device_code"]}
    with expect_error(OAuthError, "authorization_pending"):
        session.fetch_token(scene.metadata["token_endpoint"], **poll)
    scene.device(told["verification_uri_complete"])
    time.sleep(told["interval"])
    session.fetch_token(scene.metadata["token_endpoint"], **poll)
    assert session.get(scene.metadata["userinfo_endpoint"]).json()["name"].startswith("Alice")


def logout(scene: Scene) -> None:
    website, token = _at_website(scene)
    with website.test_request_context():
        left = _client(website).logout_redirect(scene.callback, id_token_hint=token["id_token"])
        back = scene.leave(left.location)
    with website.test_request_context(back):
        assert back.startswith(scene.callback) and "state=" in back


def private_key_jwt(scene: Scene) -> None:
    session = sign_in(scene, scene.keyed)
    assert session.get(scene.metadata["userinfo_endpoint"]).status_code == 200
    held = session.token["refresh_token"]
    assert session.refresh_token(scene.metadata["token_endpoint"])["refresh_token"] != held


def client_credentials(scene: Scene) -> None:
    session = OAuth2Session(scene.machine.client_id, scene.machine.secret, scope=JOBS)
    token = session.fetch_token(scene.metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == JOBS and "refresh_token" not in token


def token_exchange(scene: Scene) -> None:
    session = sign_in(scene, scene.web)
    theirs = session.fetch_token(
        scene.metadata["token_endpoint"],
        grant_type=EXCHANGE,
        subject_token=session.token["access_token"],
        subject_token_type=ACCESS_TOKEN,
        audience="demo",
        scope="notes:read",
    )
    assert theirs["issued_token_type"] == ACCESS_TOKEN and session.get(scene.notes).json()["owner"] == "alice"
    _act(scene)


def _act(scene: Scene) -> None:
    """A service exchanges what it was shown by an app, and says with a token of its own that it acts for it."""
    shown = sign_in(scene, scene.acted, scope=f"{OPEN} {READ}", resource=scene.server).token["access_token"]
    endpoint = scene.metadata["token_endpoint"]
    tools = OAuth2Session(scene.tools.client_id, scene.tools.secret)
    own = tools.fetch_token(endpoint, grant_type="client_credentials")["access_token"]
    acting = tools.fetch_token(
        endpoint,
        grant_type=EXCHANGE,
        subject_token=shown,
        subject_token_type=ACCESS_TOKEN,
        actor_token=own,
        actor_token_type=ACCESS_TOKEN,
        resource=scene.server,
    )["access_token"]
    told = tools.introspect_token(scene.metadata["introspection_endpoint"], token=acting).json()
    assert told["act"] == {"sub": scene.tools.client_id} and told["client_id"] == scene.tools.client_id


def cimd(scene: Scene) -> None:
    session = sign_in(scene, scene.documented, scope=OPEN)
    assert session.get(scene.metadata["userinfo_endpoint"]).json()["name"].startswith("Alice")


def sign_in(scene: Scene, app: App, **more: str) -> OAuth2Session:
    """A session that holds tokens."""
    session = OAuth2Session(
        app.client_id, app.secret or None, scope=SCOPE, redirect_uri=app.redirect_uri, code_challenge_method="S256"
    )
    if app.key:
        session.client_secret, session.token_endpoint_auth_method = ECKey.import_key(dict(app.key)), PrivateKeyJWT.name
        session.register_client_auth_method((PrivateKeyJWT.name, _prover(scene.issuer, app.key["kid"])))
    verifier = generate_token(48)
    url, state = session.create_authorization_url(
        scene.metadata["authorization_endpoint"], code_verifier=verifier, **more
    )
    session.fetch_token(
        scene.metadata["token_endpoint"],
        authorization_response=scene.person(url),
        state=state,
        code_verifier=verifier,
    )
    return session


def _prover(issuer: str, kid: str) -> Callable[..., Any]:
    """Its own assertion, made to end in a minute: else it would live an hour, and the broker takes five minutes."""

    def prove(*request: Any) -> Any:
        claims = {"exp": int(time.time()) + 60}
        return PrivateKeyJWT(issuer, claims=claims, headers={"kid": kid}, alg="ES256")(*request)

    return prove


def _at_website(scene: Scene) -> tuple[Flask, dict[str, Any]]:
    """A website of Flask after a sign-in, and its tokens with the verified claims in `userinfo`."""
    website = Flask("website")
    website.secret_key = generate_token(48)
    OAuth(website).register(
        "broker",
        client_id=scene.web.client_id,
        client_secret=scene.web.secret,
        server_metadata_url=f"{scene.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256"},
    )
    found: dict[str, Any] = {}

    @website.get("/login")
    def login() -> Any:
        return _client(website).authorize_redirect(scene.callback)

    @website.get("/callback")
    def callback() -> str:
        found.update(_client(website).authorize_access_token())
        return "signed in"

    browser = website.test_client()
    back = scene.person(browser.get("/login").location)
    assert browser.get("/callback?" + back.partition("?")[2]).status_code == 200
    return website, found


def _client(website: Flask) -> Any:
    return website.extensions["authlib.integrations.flask_client"].broker
