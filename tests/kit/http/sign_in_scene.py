"""What a test of a sign-in looks at: what the broker wrote, and what changes behind its back while it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import ItemKey
from chalicelib.records.subject import Subject
from cli.deployment.operations import set_provider
from tests.kit.http.browser import Answer
from tests.kit.http.stack import APP, Stack

T = TypeVar("T", bound=msgspec.Struct)


def written(stack: Stack) -> list[str]:
    """The kinds of items that the broker has written or tried to write, in order."""
    kinds = []
    for operation, payload in stack.dynamodb.calls:
        if operation in ("PutItem", "UpdateItem", "DeleteItem"):
            kinds.append((payload.get("Item") or payload["Key"])["pk"]["S"].partition("#")[0])
        else:
            assert operation in ("BatchGetItem", "GetItem", "Query"), operation
    return kinds


@contextmanager
def only_written(stack: Stack, *kinds: str) -> Iterator[None]:
    """Inside the block nothing else is written; without kinds nothing at all."""
    before = len(written(stack))
    yield
    assert written(stack)[before:] == list(kinds)


def change(stack: Stack, place: ItemKey[T], **fields: Any) -> T:
    """The operator, or another request, changes a record meanwhile."""
    record = stack.deployment.store.read(place).get(place)
    assert record is not None, place
    changed = msgspec.structs.replace(record, **fields)
    stack.deployment.put(place, changed)
    return changed


def grants(stack: Stack) -> list[Grant]:
    return stack.deployment.scan("GRANT#", Grant)


def consents(stack: Stack) -> list[Consent]:
    return stack.deployment.scan("CONSENT#", Consent)


def connections(stack: Stack) -> list[Connection]:
    return stack.deployment.scan("CONNECTION#", Connection)


def subjects(stack: Stack) -> list[Subject]:
    return stack.deployment.scan("SUBJECT#", Subject)


def assert_nothing_came_of_it(stack: Stack, answer: Answer) -> None:
    """No code left us, and neither a user, a consent, a connection nor a usable grant is stored."""
    assert "code" not in answer.answered, answer.location
    assert not any(grant.status in ("issued", "active") for grant in grants(stack))
    assert (subjects(stack), consents(stack), connections(stack)) == ([], [], [])


def assert_page(answer: Answer, status: int = 400, *, says: str = "") -> None:
    """A page of ours that leads nowhere by itself."""
    assert (answer.status, answer.header("location"), answer.location) == (status, None, ""), answer.body[-600:]
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert says in answer.body, answer.body[-900:]


def assert_told(answer: Answer, error: str, *, state: str | None, iss: str, at: str = APP) -> None:
    """The app learns of a refusal at its redirect URI, with state, iss and the id for the operator alone."""
    assert answer.status == 303, (answer.status, answer.body[-600:])
    assert answer.location.startswith(at + "?")
    got = dict(answer.answered)
    got.pop("error_description", None)
    assert got.pop("error_id")
    assert got == {"error": error, "iss": iss, **({} if state is None else {"state": state})}


def with_query(url: str, **changed: str | None) -> str:
    """The same URL with other parameters; None takes one out."""
    parts = urlsplit(url)
    pairs = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **changed}
    kept = {name: value for name, value in pairs.items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()


def add_provider(stack: Stack, provider_id: str = "oidc") -> None:
    """A second provider: in truth the same one, under another file and another registration."""
    callback = f"{stack.settings.issuer}/callback/{provider_id}"
    stack.provider.add_client(f"broker-at-{provider_id}", "second-secret", [callback])
    set_provider(
        stack.deployment,
        provider_id,
        client_id=f"broker-at-{provider_id}",
        client_secret="second-secret",
        issuer=stack.provider.url,
    )


def shows(stack: Stack, answer: Answer) -> str:
    """What an authorization request led to: the "page", a "trip" to a provider, or a "code"."""
    if answer.status == 200:
        assert 'name="decision"' in answer.body
        return "page"
    assert answer.status == 303, (answer.status, answer.body[-600:])
    if answer.location.startswith(stack.provider.url):
        return "trip"
    assert answer.location.startswith(APP) and "code" in answer.answered, answer.location
    return "code"
