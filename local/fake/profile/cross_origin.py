"""CORS for the API of a simulated provider: through the plain door, a page of any origin may call it with a token."""

from local.fake.web import Answer, Received

_CALLED = ("api", "userinfo", "emails")
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Max-Age": "600",
}


def allow_pages(received: Received, answer: Answer) -> Answer:
    """The same answer with CORS headers, or the answer to a preflight request."""
    if not received.door or received.endpoint not in _CALLED:
        return answer
    if received.method == "OPTIONS":
        wanted = received.headers.get("access-control-request-headers", "")
        return Answer(204, headers={**_HEADERS, "Access-Control-Allow-Headers": wanted or "Authorization"})
    return Answer(answer.status, answer.body, answer.content_type, {**answer.headers, **_HEADERS})
