"""The authorization endpoint of a provider file: its parameter names, its page, and its redirect."""

import json
from typing import Any
from urllib.parse import urlencode

from local.fake.grants import Family
from local.fake.page import render_message, render_post, render_sign_in
from local.fake.people import USERS
from local.fake.profile.identity import claims_of
from local.fake.profile.paths import put
from local.fake.profile.profile_state import ProfileState
from local.fake.profile.quirks import sign_callback
from local.fake.web import Answer, Received, html_answer, redirect_answer

_DECISION = "decision"


def answer(player: ProfileState, received: Received) -> Answer:
    """The page with three buttons, and what a pressed one does."""
    rules = player.definition.authorization
    asked = received.form if received.method == "POST" else received.query
    asked = {name: value for name, value in asked.items() if name != _DECISION}
    client = player.grants.clients.get(asked.get(rules.client_id_parameter, ""))
    if client is None or not client.may_return_to(asked.get("redirect_uri", "")):
        text = "The app that sent you here is not registered, or its redirect_uri is not. Nothing was sent to it."
        return html_answer(render_message("This link does not work", text, player.definition.display_name), 400)
    scopes = read_scopes(player, asked)
    if error := find_error(player, asked, scopes):
        return _back(player, received, asked, {"error": error[0], "error_description": error[1]})
    decision = received.form.get(_DECISION) if received.method == "POST" else None
    if decision == "refuse":
        return _back(player, received, asked, {"error": "access_denied", "error_description": "The user said no."})
    if decision in USERS:
        family = player.begin(client, USERS[decision], asked, scopes)
        return _back(player, received, asked, {"code": family.code, **_tell_more(player, family)})
    said = {name: text.title for name, text in player.definition.scopes.items()}
    page = render_sign_in(
        app=client.name,
        scopes=[said.get(scope, scope) for scope in sorted(scopes)],
        fields=asked,
        action=f"/{received.host}{received.path}" if received.door else received.path,
        provider=player.definition.display_name,
    )
    return html_answer(page)


def read_scopes(player: ProfileState, asked: dict[str, str]) -> frozenset[str]:
    """By the file's parameter and separator alone, so that a wrong one gives one long word; all that the file has where
    the provider knows no scopes."""
    rules = player.definition.authorization
    if not rules.sends_scope:
        return frozenset({*player.definition.scopes, *player.definition.sign_in_scopes})
    return frozenset(asked.get(rules.scope_parameter, "").split(rules.scope_separator)) - {""}


def find_error(player: ProfileState, asked: dict[str, str], scopes: frozenset[str]) -> tuple[str, str] | None:
    """The error of a request, as a code and a reason; None if it matches the file."""
    rules = player.definition.authorization
    if asked.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if asked.get("response_mode", "query") != rules.response_mode:
        return "invalid_request", f"response_mode must be {rules.response_mode}"
    for name, value in rules.parameters.items():
        if asked.get(name) != value:
            return "invalid_request", f"{name} must be {value}"
    if rules.nonce and not asked.get("nonce"):
        return "invalid_request", "nonce is missing"
    return _find_scope_error(player, asked, scopes) or _find_pkce_error(rules.pkce, asked)


def _find_scope_error(player: ProfileState, asked: dict[str, str], scopes: frozenset[str]) -> tuple[str, str] | None:
    rules = player.definition.authorization
    if not rules.sends_scope:
        known = rules.scope_parameter not in asked
        return None if known else ("invalid_request", f"{rules.scope_parameter} is not known here")
    if any("," in scope or " " in scope for scope in scopes):
        return "invalid_scope", f"scopes are separated by {rules.scope_separator!r}"
    missing = frozenset(player.definition.sign_in_scopes) - scopes
    if missing:
        return "invalid_scope", "nobody could be identified without " + " ".join(sorted(missing))
    return None


def _find_pkce_error(pkce: str, asked: dict[str, str]) -> tuple[str, str] | None:
    challenge, method = asked.get("code_challenge"), asked.get("code_challenge_method")
    if pkce == "off" and challenge is not None:
        return "invalid_request", "code_challenge is not known here"
    if pkce == "required" and challenge is None:
        return "invalid_request", "code_challenge is missing"
    if challenge is not None and (method != "S256" or len(challenge) != 43):
        return "invalid_request", "code_challenge_method must be S256, and the challenge 43 characters"
    return None


def _tell_more(player: ProfileState, family: Family) -> dict[str, str]:
    """What the file reads in the callback beside the code: metadata, and a name in JSON."""
    definition = player.definition
    told = {rule.path: player.metadata[name] for name, rule in definition.metadata.items() if rule.origin == "callback"}
    rules = definition.identity.callback
    if rules is not None:
        document: dict[str, Any] = {}
        for claim, path in rules.claims.items():
            put(document, path, claims_of(player, family)[claim])
        told[rules.parameter] = json.dumps(document)
    return told


def _back(player: ProfileState, received: Received, asked: dict[str, str], told: dict[str, str]) -> Answer:
    """To the app, with `iss` (RFC 9207) where the file promises it."""
    faults = player.faults
    if "state" in asked:
        told["state"] = "another-state" if faults.wrong_state else asked["state"]
    promised = player.definition.authorization_response_iss_parameter_supported
    if faults.wrong_iss or (promised and not faults.omit_iss):
        issuer = player.places.issuer if player.by_https else player.here(player.places.issuer, received)
        told["iss"] = "https://attacker.example" if faults.wrong_iss else issuer
    client = player.grants.clients[asked[player.definition.authorization.client_id_parameter]]
    told = sign_callback(player, client, told)
    if player.definition.authorization.response_mode == "form_post":
        name = player.definition.display_name
        return html_answer(render_post(action=asked["redirect_uri"], fields=told, provider=name))
    separator = "&" if "?" in asked["redirect_uri"] else "?"
    return redirect_answer(asked["redirect_uri"] + separator + urlencode(told))
