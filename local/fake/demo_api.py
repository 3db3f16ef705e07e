"""A demo provider's API: the items of the token's user. Any page may call it."""

from local.fake.provider_state import ProviderState
from local.fake.web import Answer, Received, json_answer

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Max-Age": "600",
}


def answer_things(provider: ProviderState, received: Received) -> Answer:
    """Read, and with the right scope write."""
    if received.method == "OPTIONS":
        return Answer(204, headers=_CORS)
    if not received.headers.get("user-agent"):
        return json_answer({"error": "user_agent_missing"}, 403, _CORS)
    family = provider.grants.whose(received.bearer)
    if family is None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return json_answer({"error": "invalid_token"}, 401, _CORS | challenge)
    things = provider.site.things
    needed = {f"{things}:write"} if received.method == "POST" else {f"{things}:read", f"{things}:write"}
    if not needed & family.scopes:
        return json_answer({"error": "insufficient_scope"}, 403, _CORS)
    kept = provider.grants.kept_for(family.user, provider.site.of)
    if received.method == "POST":
        if "text" not in received.json:
            return json_answer({"error": "invalid_request"}, 400, _CORS)
        kept.append(str(received.json["text"])[:200])
    listed = [{"id": number, "text": text} for number, text in enumerate(kept, start=1)]
    return json_answer({"owner": family.user.login, things: listed}, 200, _CORS)
