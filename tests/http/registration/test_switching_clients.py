"""The operator stops an app, whichever kind it is, and lets it begin anew."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.ports import Refused
from chalicelib.records.item_keys import client_item_key
from cli.commands.client_enable import switch_client
from cli.deployment.operations import OperationError, list_clients
from cli.main import build_parser
from tests.kit.http.acting import start_service
from tests.kit.http.documents import URL, Site, app, kept, path_of, start_documents
from tests.kit.http.sign_in_scene import assert_page
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import read, refusal, start_session
from tests.kit.requirement import requirement

SCOPE = "openid profile offline_access demo:notes:read"


@pytest.fixture
def documents(make_stack: Callable[..., Stack], site: Site) -> Stack:
    """A broker that takes apps which describe themselves."""
    stack = start_documents(make_stack, site)
    site.describe(seconds=86_400)
    return stack


@requirement("OPS-01")
@pytest.mark.parametrize("kind", ["registered", "document"])
def test_it_is_over_at_the_next_request_and_what_it_held_does_not_come_back(documents: Stack, kind: str) -> None:
    client = app() if kind == "document" else documents.client()[0]
    session = start_session(documents, client=(client, None))
    stopped = switch_client(documents.deployment, client.client_id, disabled=True)
    assert stopped.marks.disabled
    assert session.userinfo().status == 401
    documents.restart()
    assert refusal(session.refresh()) == (401, "invalid_client")
    asked = documents.authorize_parameters(client, scope=SCOPE)
    assert_page(documents.authorize(asked), says="We don’t know this app")
    again = switch_client(documents.deployment, client.client_id, disabled=False)
    assert not again.marks.disabled
    documents.clock.advance(11)
    assert session.userinfo().status == 401
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert start_session(documents, client=(client, None)).userinfo().status == 200


@requirement("OPS-01", "CIMD-02")
def test_a_url_that_was_never_here_is_kept_out_and_not_asked_for(documents: Stack, site: Site) -> None:
    switch_client(documents.deployment, URL, disabled=True)
    asked = documents.authorize_parameters(app(), scope=SCOPE)
    assert_page(documents.authorize(asked), says="We don’t know this app")
    assert not site.asked
    switch_client(documents.deployment, URL, disabled=False)
    documents.clock.advance(11)
    assert documents.authorize(asked).status == 200
    assert site.asked[path_of(URL)] == 1
    client = kept(documents)
    assert client is not None
    assert client.client_name == "Some Agent"


@requirement("OPS-01")
def test_every_kind_is_listed(documents: Stack) -> None:
    client, _ = documents.client()
    documents.authorize(documents.authorize_parameters(app(), scope=SCOPE))
    assert {one.client_id for one in list_clients(documents.deployment)} == {client.client_id, URL}
    assert read(documents, client_item_key(URL)).registered_by == "document"


@requirement("OPS-01", "REG-06")
@pytest.mark.parametrize("client_id", ["0" * 32, "https://client.example", "https://127.0.0.1/app.json"])
def test_what_nobody_could_be_called_is_refused(documents: Stack, client_id: str) -> None:
    with pytest.raises(OperationError):
        switch_client(documents.deployment, client_id, disabled=True)
    assert not list_clients(documents.deployment)


@requirement("PRX-01", "OPS-01", "CIMD-04")
def test_what_it_may_call_is_the_operators_word_and_stays(documents: Stack, site: Site) -> None:
    asked = documents.authorize_parameters(app(), scope=SCOPE)
    documents.authorize(asked)
    before = read(documents, client_item_key(URL))

    def update(*words: str) -> Any:
        options = build_parser().parse_args(["client", "update", URL, *words])
        return options.act(documents.deployment, options)

    rules = update("--proxy-allow", "demo GET /notes")["proxy_rules"]
    documents.clock.advance(86_400)
    assert documents.authorize(asked).status == 200
    assert site.asked[path_of(URL)] == 2
    after = read(documents, client_item_key(URL))
    assert (after.revision, [rule.path_prefix for rule in after.proxy_rules]) == (before.revision, ["/notes"])
    assert rules == ["demo GET /notes"]
    for words in (("--require-pushed-requests", "yes"), ("--backchannel-logout-uri", "https://client.example/out")):
        with pytest.raises(OperationError, match="defined by its own document"):
            update(*words)


@requirement("XCH-05", "CIMD-04")
def test_who_may_act_for_it_is_the_operators_word_and_stays(documents: Stack) -> None:
    asked, place = documents.authorize_parameters(app(), scope=SCOPE), client_item_key(URL)
    documents.authorize(asked)
    actor = start_service(documents).client.client_id
    before = read(documents, place)

    def update(*words: str) -> Any:
        options = build_parser().parse_args(["client", "update", URL, *words])
        return options.act(documents.deployment, options)["may_be_acted_by"]

    assert update("--may-be-acted-by", actor) == [actor]
    said = read(documents, place)
    assert isinstance(documents.deployment.store.put_document(before, read=before), Refused), "said during a fetch"
    documents.clock.advance(86_400)
    assert documents.authorize(asked).status == 200
    after = read(documents, place)
    assert after.may_be_acted_by == {actor} and after.fetched_at > said.fetched_at
    assert update("--not-acted-by", actor) == []
    assert isinstance(documents.deployment.store.put_document(after, read=after), Refused), "taken back during a fetch"
    documents.clock.advance(86_400)
    assert documents.authorize(asked).status == 200
    assert read(documents, place).may_be_acted_by == frozenset()
