"""The identity of a token's user, as the file reads it: userinfo, the list of addresses, metadata, and the API."""

from typing import Any

from local.fake.grants import Family
from local.fake.id_token import profile_claims
from local.fake.profile.paths import put
from local.fake.profile.profile_state import ProfileState
from local.fake.web import Answer, Received, json_answer


def answer_userinfo(player: ProfileState, received: Received) -> Answer:
    """The account at the file's paths, where the request is of the file's method and body."""
    rules = player.definition.identity
    family = _family(player, received, _presented_to_userinfo(player, received))
    if isinstance(family, Answer):
        return family
    if missing := _missing(received, family, rules.headers):
        return missing
    if received.method != rules.method or not _has_body(player, received):
        return json_answer({"error": "invalid_request"}, 400)
    if rules.source == "id_token":
        sub = "demo-somebody-else" if player.faults.other_userinfo_subject else family.user.sub
        return json_answer({"sub": sub, **profile_claims(family, player.faults)})
    return json_answer(describe(player, family))


def _presented_to_userinfo(player: ProfileState, received: Received) -> str:
    """In the form where the file has it there, and then there alone."""
    body = player.definition.identity.body
    name = next((name for name, value in body.items() if "{token}" in value), "") if isinstance(body, dict) else ""
    if not name or _presented(player, received):
        return "" if name else _presented(player, received)
    return received.form.get(name, "")


def _has_body(player: ProfileState, received: Received) -> bool:
    body = player.definition.identity.body
    if player.definition.identity.json:
        return received.json == player.definition.identity.json
    if isinstance(body, str):
        return received.body == body.encode()
    token = _presented_to_userinfo(player, received)
    return received.form == {name: value.replace("{token}", token) for name, value in body.items()}


def describe(player: ProfileState, family: Family) -> dict[str, Any]:
    """The account with its subject and profile where the file reads them."""
    rules, document = player.definition.identity, dict[str, Any]()
    known = claims_of(player, family)
    for claim, path in rules.claims.items():
        if (value := known.get(claim)) is not None:
            put(document, path, value)
    for path in rules.subject_paths:
        put(document, path, subject_at(path, family))
    for name, rule in player.definition.metadata.items():
        if rule.url is not None and rule.url == player.places.userinfo:  # one place that says both
            put(document, rule.path, player.metadata[name])
    return document


def subject_at(path: str, family: Family) -> str | int:
    """A field called id is a number, as at many providers; everything else is text."""
    return family.user.number if path.rpartition(".")[2] == "id" else family.user.sub


def claims_of(player: ProfileState, family: Family) -> dict[str, Any]:
    """Everything that is known of the user, in OpenID Connect's words."""
    user, faults = family.user, player.faults
    given_name, _, family_name = user.name.partition(" ")
    site = f"https://{player.definition.provider_id}.example"
    email = {} if faults.no_email else {"email": user.email, "email_verified": not faults.unverified_email}
    return {
        "name": user.name,
        "given_name": given_name,
        "family_name": family_name,
        "nickname": given_name,
        "preferred_username": user.login,
        "profile": f"{site}/{user.login}",
        "picture": f"{site}/{user.login}.png",
        "website": f"https://{user.login}.example",
        "locale": "en-GB",
        "zoneinfo": "Europe/Madrid",
        "updated_at": 1700000000,
        **email,
    }


def answer_emails(player: ProfileState, received: Received) -> Answer:
    """An older address beside the primary one."""
    rules = player.definition.identity.email_list
    family = _family(player, received)
    if isinstance(family, Answer):
        return family
    if rules is None or player.faults.no_email:
        return json_answer({"message": "Not Found"}, 404)
    listed: list[dict[str, Any]] = []
    for email, primary, verified in (("old@demo.example", False, True), (family.user.email, True, None)):
        entry: dict[str, Any] = {}
        put(entry, rules.email, email)
        put(entry, rules.primary, primary)
        put(entry, rules.verified, not player.faults.unverified_email if verified is None else verified)
        listed.append(entry)
    return json_answer(listed)


def answer_metadata(player: ProfileState, received: Received) -> Answer:
    """What a further GET with the token says of the account; a list where the file's path begins with a number."""
    family = _family(player, received)
    if isinstance(family, Answer):
        return family
    document: dict[str, Any] = {}
    for name, rule in player.definition.metadata.items():
        if rule.origin == "request":
            put(document, f"all.{rule.path}", player.metadata[name])
    return json_answer(document["all"])


def answer_api(player: ProfileState, received: Received) -> Answer:
    """Any call below the file's API returns the token's user and scopes; 401 if the token has expired or was
    revoked."""
    rules = player.definition.api
    family = _family(player, received)
    if isinstance(family, Answer):
        return family
    if missing := _missing(received, family, rules.headers if rules else {}):
        return missing
    return json_answer(
        {
            "provider": player.definition.provider_id,
            "account": family.user.sub,
            "login": family.user.login,
            "scopes": sorted(family.scopes),
            "called": f"{received.method} https://{received.host}{received.path}",
        }
    )


def _presented(player: ProfileState, received: Received) -> str:
    """The token where the file's API has it; without an API, RFC 6750's header."""
    rules = player.definition.api
    if rules is None:
        return received.bearer
    value = received.headers.get(rules.token_header.lower(), "")
    return value.removeprefix(rules.token_prefix) if value.startswith(rules.token_prefix) else ""


def _family(player: ProfileState, received: Received, presented: str | None = None) -> Family | Answer:
    """The user of the token, or the refusal.

    presented   the token, where it stands elsewhere than in the header of the API
    """
    family = player.grants.whose(_presented(player, received) if presented is None else presented)
    if family is None:
        return json_answer({"error": "invalid_token"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return family


def _missing(received: Received, family: Family, wanted: dict[str, str]) -> Answer | None:
    """The refusal of a call without a User-Agent, or without a header that the file says it needs."""
    if not received.headers.get("user-agent"):
        return json_answer({"message": "a User-Agent is wanted"}, 403)
    for name, value in wanted.items():
        if received.headers.get(name.lower()) != value.replace("{client_id}", family.client_id):
            return json_answer({"message": f"the header {name} must be {value}"}, 400)
    return None
