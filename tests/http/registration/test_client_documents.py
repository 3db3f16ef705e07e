"""Clients that are named by the URL of a document: fetched from real https servers, kept, and asked for again."""

import http.client
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from chalicelib.adapters.http import guarded_fetcher
from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.endpoints.callers.client_id_documents import KNOWN_FETCHES
from chalicelib.endpoints.callers.clients import find_client
from chalicelib.records.client import Client
from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import DEPLOYMENT, ItemKey, client_item_key
from chalicelib.records.revocation import Revocation
from tests.data import read_corpus
from tests.kit.http.browser import Answer
from tests.kit.http.documents import GOOD, MANY_HOSTS, OPEN, REDIRECT, URL, Site, app, kept, path_of, start_documents
from tests.kit.http.sign_in_scene import assert_page, only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change, events
from tests.kit.requirement import requirement

LINES = read_corpus("client_documents.toml")


@pytest.fixture
def documents(make_stack: Callable[..., Stack], site: Site) -> Stack:
    """A broker that takes apps which describe themselves; a good description stands there."""
    stack = start_documents(make_stack, site)
    site.describe()
    return stack


def of(section: str) -> list[Any]:
    return [pytest.param(line.trick, id=line.says) for line in LINES if line.section == section]


def arrive(stack: Stack, url: str = URL, **more: str | None) -> Answer:
    """Somebody comes with this client id."""
    return stack.authorize(stack.authorize_parameters(app(url), scope="openid", **more))


def ask_from(stack: Stack, address: str, url: str) -> int:
    """Somebody at another address comes with this client id: the status."""
    connection = http.client.HTTPConnection(stack.netloc, source_address=(address, 0), timeout=30)
    parameters = stack.authorize_parameters(app(url), scope="openid")
    connection.request("GET", "/authorize?" + urlencode(parameters))
    status = connection.getresponse().status
    connection.close()
    return status


def refused(stack: Stack, site: Site, answer: Answer) -> None:
    """Our page, which names the URL to developers on loopback alone; nothing is stored, and it is fetched again."""
    assert_page(answer)
    assert "We couldn’t check this app" in answer.body
    assert "client.example" not in answer.body.partition('<section class="dev')[0]
    assert kept(stack) is None
    asked = site.asked[path_of(URL)]
    assert arrive(stack).status == answer.status
    assert site.asked[path_of(URL)] == asked + 1


@requirement("CIMD-01", "CIMD-02")
def test_somebody_arrives_with_a_url_and_is_asked_on_our_page(documents: Stack, site: Site) -> None:
    answer = arrive(documents)
    assert answer.status == 200, documents.log.getvalue()
    assert site.asked == {path_of(URL): 1}
    (headers,) = site.headers
    assert set(headers) == {"host", "connection", "accept-encoding", "user-agent", "accept"}
    client = kept(documents)
    assert client is not None
    assert (client.client_id, client.client_name, client.registered_by) == (URL, "Some Agent", "document")
    assert (client.scopes, client.handout) == (OPEN, "none")


@requirement("CIMD-01", "REG-06")
@pytest.mark.parametrize("url", of("urls_refused"))
def test_a_url_that_is_no_client_id_is_never_asked_for(documents: Stack, site: Site, url: str) -> None:
    with only_written(documents):
        assert_page(arrive(documents, url))
    assert not site.asked
    answer = documents.token(app(url), grant_type="authorization_code", code="x", code_verifier="v" * 43)
    assert answer.json["error"] in ("invalid_client", "invalid_request")


@requirement("CIMD-01", "CIMD-03")
@pytest.mark.parametrize("members", of("documents_refused"))
def test_a_bad_document_is_refused_and_never_kept(documents: Stack, site: Site, members: str) -> None:
    site.put(json.dumps(GOOD | json.loads(members)))
    refused(documents, site, arrive(documents))


@requirement("CIMD-02")
@pytest.mark.parametrize("body", of("bodies_refused"))
def test_what_is_no_document_is_refused_and_never_kept(documents: Stack, site: Site, body: str) -> None:
    site.put(body)
    refused(documents, site, arrive(documents))


@requirement("CIMD-02", "CIMD-04")
@pytest.mark.parametrize("status", [201, 203, 204, 301, 302, 307, 308, 401, 403, 404, 410, 429, 500, 503])
def test_another_status_than_200_is_refused_and_no_redirect_followed(documents: Stack, site: Site, status: int) -> None:
    site.describe("https://client.example/there.json", client_id=URL)
    site.put(json.dumps(GOOD), status=status, location="https://client.example/there.json")
    refused(documents, site, arrive(documents))
    assert set(site.asked) == {path_of(URL)}


@requirement("CIMD-02")
@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/jsonp", ""])
def test_another_type_is_refused(documents: Stack, site: Site, kind: str) -> None:
    site.put(json.dumps(GOOD), content_type=kind)
    refused(documents, site, arrive(documents))


@requirement("CIMD-02")
def test_more_than_five_kibibytes_are_refused(documents: Stack, site: Site) -> None:
    room = 5 * 1024 - len(json.dumps(GOOD | {"x": ""}))
    site.put(json.dumps(GOOD | {"x": "a" * (room + 1)}))
    refused(documents, site, arrive(documents))
    site.put(json.dumps(GOOD | {"x": "a" * room}))
    assert arrive(documents).status == 200


@requirement("CIMD-02")
def test_the_fetcher_is_told_three_seconds_and_five_kibibytes(
    documents: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    real = documents.broker.fetcher.fetch
    monkeypatch.setattr(
        documents.broker.fetcher, "fetch", lambda request, **limits: told.append(limits) or real(request)
    )
    assert arrive(documents).status == 200
    assert told == [{"timeout_seconds": 3.0, "max_bytes": 5 * 1024}]


@requirement("CIMD-02", "FETCH-01")
@pytest.mark.parametrize("fault", ["nobody listens", "another certificate", "a private address", "plain http"])
def test_a_place_that_cannot_be_reached_safely(
    documents: Stack, site: Site, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_fetcher, "_resolve", lambda host: ["10.0.0.1"])
    target = site.targets()[0]
    here = {"host": target.host, "port": 443, "address": "127.0.0.1"}
    documents.targets[:] = {
        "nobody listens": [LocalTarget(**here, connect_port=1, plain_http=False, ca_file=target.ca_file)],
        "another certificate": [LocalTarget(**here, connect_port=site.port, plain_http=False)],
        "a private address": [],
        "plain http": [LocalTarget(**{**here, "port": 80}, connect_port=site.port)],
    }[fault]
    documents.restart()
    assert "We couldn’t check this app" in arrive(documents).body
    assert not site.asked
    assert kept(documents) is None


@requirement("CIMD-02", "META-02")
def test_without_the_setting_no_url_is_a_client_and_none_is_asked_for(documents: Stack, site: Site) -> None:
    assert arrive(documents).status == 200
    assert documents.get("/.well-known/oauth-authorization-server").json["client_id_metadata_document_supported"]
    documents.restart(client_id_documents=False)
    site.asked.clear()
    with only_written(documents):
        assert_page(arrive(documents), says="We don’t know this app")
    assert not site.asked
    assert (
        documents.get("/.well-known/oauth-authorization-server").json["client_id_metadata_document_supported"] is False
    )
    answer = documents.token(app(), grant_type="refresh_token", refresh_token="x")
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


@requirement("CIMD-04")
@pytest.mark.parametrize(
    ("told", "fresh"),
    [(None, 60), (5, 60), (600, 600), (10**7, 86_400)],
    ids=["nothing", "too short", "so", "too long"],
)
def test_a_document_is_asked_for_again_when_its_headers_say_so(
    documents: Stack, site: Site, told: int | None, fresh: int
) -> None:
    site.describe(seconds=told)
    arrive(documents)
    documents.clock.advance(fresh - 1)
    assert arrive(documents).status == 200
    assert site.asked[path_of(URL)] == 1
    documents.clock.advance(1)
    assert arrive(documents).status == 200
    assert site.asked[path_of(URL)] == 2


@requirement("CIMD-04")
def test_all_processes_share_what_one_has_fetched(documents: Stack, site: Site) -> None:
    site.describe(seconds=3600)
    arrive(documents)
    for _ in range(3):
        documents.restart()
        assert arrive(documents).status == 200
    assert site.asked[path_of(URL)] == 1


@requirement("CIMD-04")
def test_many_who_arrive_at_once_make_one_fetch(documents: Stack, site: Site) -> None:
    site.held.clear()
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(arrive(documents))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(1000):
        if documents.broker.flights.waiting(URL) == 8:
            break
        threading.Event().wait(0.01)
    site.held.set()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 8
    assert site.asked[path_of(URL)] == 1


@requirement("CIMD-04")
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_place_that_is_down_is_forgiven_for_a_day(documents: Stack, site: Site, status: int) -> None:
    arrive(documents)
    site.put("", status=status)
    documents.clock.advance(86_399)
    assert arrive(documents).status == 200
    assert events(documents, "client_document_stale")
    documents.clock.advance(1)
    assert "We couldn’t check this app" in arrive(documents).body
    site.describe()
    assert arrive(documents).status == 200


@requirement("CIMD-04")
@pytest.mark.parametrize("now", ["gone", "another's", "with a secret"])
def test_a_document_that_is_gone_or_no_good_any_more_is_not_replaced_by_an_old_one(
    documents: Stack, site: Site, now: str
) -> None:
    arrive(documents)
    before = kept(documents)
    documents.clock.advance(60)
    if now == "gone":
        site.put("", status=404)
    else:
        site.describe(client_id="https://other.example/") if now == "another's" else site.describe(client_secret="x")
    assert "We couldn’t check this app" in arrive(documents).body
    assert before is not None
    assert kept(documents) == replace(before, fetched_at=0, fresh_until=0)


@requirement("CONS-08", "CIMD-04")
def test_a_changed_document_is_another_revision_and_the_same_one_is_not(documents: Stack, site: Site) -> None:
    def look() -> Client:
        documents.clock.advance(60)
        assert arrive(documents).status == 200
        client = kept(documents)
        assert client is not None
        return client

    first = look()
    assert look().revision == first.revision
    site.describe(redirect_uris=[REDIRECT, "https://client.example/other"])
    second = look()
    assert second.revision > first.revision
    site.describe()
    assert look().revision > second.revision


@requirement("CIMD-02")
@pytest.mark.parametrize("limit", ["per_address", "per_host", "per_minute"])
def test_nobody_floods_another_through_us(make_stack: Callable[..., Stack], site: Site, limit: str) -> None:
    stack = start_documents(make_stack, site, **{f"document_fetches_{limit}": 2})
    urls = [f"https://client.example/{number}.json" for number in range(4)]
    for url in urls:
        site.describe(url)
    assert [arrive(stack, url).status for url in urls] == [200, 200, 429, 429]
    answer = arrive(stack, urls[3])
    assert 0 < int(answer.header("retry-after") or 0) <= 60
    assert len(site.asked) == 2
    assert [arrive(stack, url).status for url in urls[:2]] == [200, 200]
    stack.clock.advance(60)
    assert arrive(stack, urls[2]).status == 200


@requirement("CIMD-02")
def test_one_host_over_its_limit_is_no_other_hosts_matter(make_stack: Callable[..., Stack], site: Site) -> None:
    stack = start_documents(make_stack, site, document_fetches_per_host=1)
    urls = ("https://client.example/a", "https://client.example/b", "https://other.example/a")
    for url in urls:
        site.describe(url)
    site.describe(urls[0])
    assert arrive(stack, urls[0]).status == 200
    assert arrive(stack, urls[1]).status == 429
    site.describe(urls[2])
    assert arrive(stack, urls[2]).status == 200


@requirement("CIMD-05")
@pytest.mark.parametrize("limit", ["per_address", "per_host", "per_minute"])
def test_made_up_urls_keep_no_known_document_from_being_read_again(
    make_stack: Callable[..., Stack], site: Site, limit: str
) -> None:
    stack = start_documents(make_stack, site, **{f"document_fetches_{limit}": 1})
    site.describe()
    assert arrive(stack).status == 200
    stack.clock.advance(60)
    made_up = [arrive(stack, f"https://client.example/made-up-{number}").status for number in range(3)]
    assert made_up == [400, 429, 429]
    site.describe(redirect_uris=["https://client.example/other"])
    assert arrive(stack, redirect_uri="https://client.example/other").status == 200
    assert site.asked[path_of(URL)] == 2


@requirement("CIMD-04", "CIMD-05")
def test_a_known_document_whose_place_is_down_is_tried_a_few_times_a_minute_and_serves(
    documents: Stack, site: Site
) -> None:
    arrive(documents)
    documents.clock.advance(60)
    site.put("", status=503)
    assert {arrive(documents).status for _ in range(KNOWN_FETCHES + 3)} == {200}
    assert site.asked[path_of(URL)] == 1 + KNOWN_FETCHES


@requirement("CIMD-05")
def test_the_known_documents_of_one_host_are_together_within_the_limit_for_all(
    make_stack: Callable[..., Stack], site: Site
) -> None:
    stack = start_documents(make_stack, site, document_fetches_per_minute=2)
    urls = [f"https://client.example/{number}.json" for number in range(3)]
    for url in urls:
        site.describe(url)
        stack.clock.advance(60)
        assert arrive(stack, url).status == 200
    stack.clock.advance(60)
    assert [ask_from(stack, f"127.0.0.{number}", url) for number, url in enumerate(urls, 10)] == [200] * 3
    assert [site.asked[path_of(url)] for url in urls] == [2, 2, 1]


@requirement("CIMD-07")
@pytest.mark.parametrize(("per_minute", "read_again"), [(1, 5), (2, 10)])
def test_the_known_documents_of_all_hosts_are_together_within_a_limit(
    make_stack: Callable[..., Stack], site: Site, per_minute: int, read_again: int
) -> None:
    """Whoever owns a domain has as many hosts as they like, and as many addresses that ask."""
    stack = start_documents(make_stack, site, document_fetches_per_minute=per_minute)
    urls = [f"https://{host}/{host}.json" for host in MANY_HOSTS]
    for url in urls:
        site.describe(url)
        stack.clock.advance(60)
        assert arrive(stack, url).status == 200
    stack.clock.advance(60)
    before = sum(site.asked.values())
    assert {ask_from(stack, f"127.0.0.{number}", url) for number, url in enumerate(urls, 10)} == {200}
    assert sum(site.asked.values()) - before == read_again, "beyond the limit the kept documents serve"


@requirement("CIMD-07")
def test_one_address_has_a_share_of_what_known_documents_are_fetched_in_all(
    make_stack: Callable[..., Stack], site: Site
) -> None:
    stack = start_documents(make_stack, site, document_fetches_per_minute=2)
    urls = [f"https://{host}/{host}.json" for host in MANY_HOSTS[:6]]
    for url in [*urls, URL]:
        site.describe(url)
        stack.clock.advance(60)
        assert arrive(stack, url).status == 200
    stack.clock.advance(60)
    before = sum(site.asked.values())
    assert {ask_from(stack, "127.0.0.10", url) for url in urls} == {200}
    assert sum(site.asked.values()) - before == 2
    site.describe(redirect_uris=["https://client.example/other"])
    assert arrive(stack, redirect_uri="https://client.example/other").status == 200, "nobody else waits for it"


@requirement("CIMD-06")
@pytest.mark.parametrize("then", ["too often", "down"])
def test_a_document_that_was_taken_back_serves_no_more_whatever_comes_then(
    documents: Stack, site: Site, then: str
) -> None:
    arrive(documents)
    documents.clock.advance(60)
    site.put("", status=404)
    assert arrive(documents).status == 400
    if then == "down":
        site.put("", status=503)
    answers = [arrive(documents).status for _ in range(KNOWN_FETCHES)]
    assert answers == [400] * (KNOWN_FETCHES - 1) + [429]
    documents.clock.advance(60)
    site.describe()
    assert arrive(documents).status == 200


@requirement("CIMD-04")
def test_a_switch_that_is_thrown_while_a_document_is_fetched_holds(documents: Stack, site: Site) -> None:
    arrive(documents)
    documents.clock.advance(60)
    site.held.clear()
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(arrive(documents)))
    thread.start()
    while site.asked[path_of(URL)] < 2:
        threading.Event().wait(0.01)
    change(documents, client_item_key(URL), marks=Revocation(disabled=True))
    site.held.set()
    thread.join()
    assert_page(answers[0], says="We don’t know this app")
    client = kept(documents)
    assert client is not None
    assert client.marks.disabled


@requirement("CIMD-04")
def test_a_client_that_is_switched_off_is_not_even_asked_for(documents: Stack, site: Site) -> None:
    arrive(documents)
    change(documents, client_item_key(URL), marks=Revocation(disabled=True))
    documents.clock.advance(100_000)
    assert_page(arrive(documents), says="We don’t know this app")
    assert site.asked[path_of(URL)] == 1


@requirement("CIMD-04", "OUT-03")
def test_where_such_apps_are_let_in_no_more_none_is_known_by_what_is_kept(documents: Stack) -> None:
    arrive(documents)
    known = find_client(documents.broker, URL)
    assert known is not None and known == kept(documents)
    documents.restart(client_id_documents=False)
    assert find_client(documents.broker, URL) is None and kept(documents) == known


@requirement("CIMD-04", "OPS-02")
def test_while_everything_is_switched_off_nobody_is_asked_for_a_document(documents: Stack, site: Site) -> None:
    documents.deployment.put(DEPLOYMENT, Deployment(marks=Revocation(disabled=True)))
    documents.restart()
    assert_page(arrive(documents), says="We don’t know this app")
    assert not site.asked and kept(documents) is None


@requirement("CIMD-04")
def test_what_strangers_brought_goes_when_nobody_uses_it_and_a_mark_stays(documents: Stack, site: Site) -> None:
    arrive(documents)
    client = kept(documents)
    assert client is not None
    assert client.expires_at == documents.clock.now() + 90 * 86_400
    assert _purge_at(documents, client_item_key(URL)) == client.expires_at + 90 * 86_400
    change(documents, client_item_key(URL), marks=Revocation(not_before=documents.clock.now()))
    documents.clock.advance(60)
    arrive(documents)
    assert _purge_at(documents, client_item_key(URL)) is None


def _purge_at(stack: Stack, place: ItemKey[Any]) -> int | None:
    wanted = {"TableName": stack.settings.table, "Key": {"pk": {"S": place.pk}, "sk": {"S": "#"}}}
    item = stack.deployment.dynamodb.call("GetItem", wanted)["Item"]
    return int(item["purge_at"]["N"]) if "purge_at" in item else None
