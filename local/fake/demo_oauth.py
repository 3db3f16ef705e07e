"""The demo provider's protocol: the page, its documents, its token endpoint, userinfo and revocation."""

from typing import Any
from urllib.parse import urlencode

from local.fake.grants import Client, Refused
from local.fake.id_token import build_id_token, jwks, profile_claims
from local.fake.page import render_message, render_sign_in
from local.fake.people import USERS
from local.fake.provider_state import ProviderState
from local.fake.token_endpoint import basic_credentials, write_tokens
from local.fake.web import Answer, Received, html_answer, json_answer, redirect_answer


def answer_home(provider: ProviderState, received: Received) -> Answer:
    """The user who signs in by hand."""
    text = "A provider to sign in with. Apps send you here when they need to."
    return html_answer(render_message(provider.site.name, text, provider.site.name, provider.site.tint))


def answer_discovery(provider: ProviderState, received: Received) -> Answer:
    """OpenID Connect Discovery."""
    url = provider.url
    document: dict[str, Any] = {
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
        "scopes_supported": list(provider.site.scopes),
        "authorization_response_iss_parameter_supported": True,
    }
    return json_answer(document)


def answer_jwks(provider: ProviderState, received: Received) -> Answer:
    """The key set."""
    return json_answer(jwks(provider.keys))


def answer_authorize(provider: ProviderState, received: Received) -> Answer:
    """The page with three buttons, and what a pressed one does."""
    asked = received.form if received.method == "POST" else received.query
    client = provider.grants.clients.get(asked.get("client_id", ""))
    if client is None or not client.may_return_to(asked.get("redirect_uri", "")):
        text = "The app that sent you here is not registered, or its redirect_uri is not. Nothing was sent to it."
        page = render_message("This link does not work", text, provider.site.name, provider.site.tint)
        return html_answer(page, 400)
    if error := _authorization_error(provider, asked):
        return _back(provider, asked, {"error": error, "error_description": "The demo provider refuses this request."})
    decision = asked.get("decision") if received.method == "POST" else None
    if decision == "refuse":
        return _back(provider, asked, {"error": "access_denied", "error_description": "The user said no."})
    if decision in USERS:
        scopes = frozenset(asked.get("scope", "").replace(",", " ").split())
        offline = asked.get("access_type") == "offline" or "offline_access" in scopes
        openid = "openid" in scopes
        family = provider.grants.begin(client, USERS[decision], asked, scopes, openid=openid, offline=offline)
        return _back(provider, asked, {"code": family.code})
    return html_answer(_sign_in_page(provider, client, asked, received.path))


def _sign_in_page(provider: ProviderState, client: Client, asked: dict[str, str], action: str) -> str:
    site = provider.site
    wanted = [site.scopes[scope] for scope in asked.get("scope", "").split() if scope in site.scopes]
    fields = {name: value for name, value in asked.items() if name != "decision"}
    return render_sign_in(
        app=client.name, scopes=wanted, fields=fields, action=action, provider=site.name, tint=site.tint
    )


def _authorization_error(provider: ProviderState, asked: dict[str, str]) -> str | None:
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
        return "invalid_request"
    if not set(asked.get("scope", "").split()) <= provider.site.scopes.keys():
        return "invalid_scope"
    return "login_required" if asked.get("prompt") == "none" else None


def _back(provider: ProviderState, asked: dict[str, str], answer: dict[str, str]) -> Answer:
    """To the app, with `iss` (RFC 9207)."""
    faults = provider.faults
    if "state" in asked:
        answer["state"] = "another-state" if faults.wrong_state else asked["state"]
    if not faults.omit_iss:
        answer["iss"] = "https://attacker.example" if faults.wrong_iss else provider.url
    separator = "&" if "?" in asked["redirect_uri"] else "?"
    return redirect_answer(asked["redirect_uri"] + separator + urlencode(answer))


def answer_token(provider: ProviderState, received: Received) -> Answer:
    """Codes and refresh tokens for tokens."""
    client, faults, grants = _client(provider, received), provider.faults, provider.grants
    if client is None:
        return _refuse(provider, received, "invalid_client", 401)
    if faults.token_error:
        return _refuse(provider, received, faults.token_error)
    form = received.form
    try:
        with grants.lock:
            match form.get("grant_type"):
                case "authorization_code":
                    family = grants.redeem(client, form)
                case "refresh_token":
                    family = grants.refresh(client, form.get("refresh_token", ""))
                case _:
                    raise Refused("unsupported_grant_type")
            answer = grants.issue(family)
    except Refused as refused:
        return _refuse(provider, received, refused.code)
    if family.openid and not faults.drop_id_token:
        answer["id_token"] = build_id_token(
            family,
            faults,
            provider.keys,
            issuer=provider.url,
            now=int(grants.now()),
            claims=profile_claims(family, faults),
        )
    if faults.scope_said is not None:
        answer["scope"] = faults.scope_said
    if faults.scope_as_list and "scope" in answer:
        answer["scope"] = str(answer["scope"]).split(",")
    return write_tokens({faults.nested: answer} if faults.nested else answer, received, faults)


def answer_userinfo(provider: ProviderState, received: Received) -> Answer:
    """OpenID Connect Core section 5.3."""
    family = provider.grants.whose(received.bearer)
    if family is None:
        return json_answer({"error": "invalid_token"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    sub = "demo-somebody-else" if provider.faults.other_userinfo_subject else family.user.sub
    return json_answer({"sub": sub, **profile_claims(family, provider.faults)})


def answer_revoke(provider: ProviderState, received: Received) -> Answer:
    """RFC 7009."""
    client = _client(provider, received)
    if client is None:
        return _refuse(provider, received, "invalid_client", 401)
    provider.grants.revoke(client, received.form.get("token", ""), provider.faults.revoke_ends or None)
    return json_answer({})


def _client(provider: ProviderState, received: Received) -> Client | None:
    """The client, by Basic authentication or in the form; a public client by its id alone."""
    in_form = received.form.get("client_id", ""), received.form.get("client_secret")
    client_id, secret = basic_credentials(received) or in_form
    client = provider.grants.clients.get(client_id)
    return client if client is not None and client.client_secret == secret else None


def _refuse(provider: ProviderState, received: Received, code: str, status: int = 400) -> Answer:
    faults = provider.faults
    status = 200 if faults.errors_as_200 else faults.error_status or status
    document = {"error": code, "error_description": "The demo provider refuses."}
    return write_tokens(document, received, faults, status)
