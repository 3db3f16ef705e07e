"""Client id URLs and their documents against the corpus, and the few things that it cannot say."""

import hashlib
import json
import re
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from chalicelib.protocol.client_document import (
    build_document_client,
    check_document_url,
    host_of_document,
    parse_client_document,
)
from chalicelib.protocol.errors import InvalidClientMetadata, OAuthError
from chalicelib.protocol.registration import open_policy
from chalicelib.records.item_keys import client_item_key, consent_item_key, is_url
from chalicelib.records.revocation import Revocation
from tests.data import find_faults, read_corpus
from tests.kit.requirement import requirement

LINES = read_corpus("client_documents.toml")
URL = "https://client.example/app.json"
GOOD = {"client_id": URL, "client_name": "Some App", "redirect_uris": ["https://client.example/cb"]}
OPEN = frozenset({"openid", "profile", "offline_access", "demo:notes:read"})
NOW, DAY = 1_800_000_000, 86_400


def of(section: str) -> list:
    return [pytest.param(line.trick, id=line.says) for line in LINES if line.section == section]


def parse(handout="none", **members):
    return parse_client_document(GOOD | members, open_policy(OPEN, handout), url=URL)


def build(read=None, *, now=NOW, **members):
    return build_document_client(read, parse(**members), url=URL, now=now, seconds=300, life=90 * DAY)


@requirement("CIMD-01")
@pytest.mark.parametrize("url", of("urls_refused"))
def test_a_trick_is_no_client_id(url):
    with pytest.raises(InvalidClientMetadata):
        check_document_url(url)


@requirement("CIMD-01")
@pytest.mark.parametrize("url", of("urls_fine"))
def test_an_honest_url_is(url):
    check_document_url(url)
    assert is_url(url)
    assert host_of_document(url) == urlsplit(url).hostname


@requirement("REG-06")
@pytest.mark.parametrize("client_id", ["0" * 32, "https", "http://client.example/", "HTTPS://client.example/", ""])
def test_what_is_no_url_is_none(client_id):
    assert not is_url(client_id)


@requirement("REG-06")
def test_urls_and_generated_ids_stand_in_places_of_their_own():
    digest = hashlib.sha256(URL.encode()).hexdigest()
    assert client_item_key(URL).pk == f"CIMD#{digest}"
    assert client_item_key("0" * 32).pk == "CLIENT#" + "0" * 32
    assert consent_item_key("sub", URL).pk == f"CONSENT#sub#{digest}"
    assert client_item_key(digest).pk.startswith("CLIENT#")


@requirement("CIMD-01", "CIMD-03")
@pytest.mark.parametrize("members", of("documents_refused"))
def test_a_bad_document_is_refused(members):
    with pytest.raises(OAuthError):
        parse(**json.loads(members))


@requirement("CIMD-01")
def test_what_is_no_object_is_no_document():
    for document in (None, [], "x", 7, True):
        with pytest.raises(InvalidClientMetadata):
            parse_client_document(document, open_policy(OPEN, "none"), url=URL)


@requirement("CIMD-01", "CIMD-03")
def test_each_line_of_the_corpus_gets_past_a_checker_in_a_hurry():
    urls = [line for line in LINES if line.section == "urls_refused"]
    others = [("an id of ours", _weak_url("0" * 32)), ("another scheme", _weak_url("ftp://client.example/app.json"))]
    assert not find_faults(urls, made=lambda line: line.trick, weak=lambda line: _weak_url(line.trick), control=others)
    documents = [line for line in LINES if line.section == "documents_refused"]
    empty = [("a document that says nothing", _weak_document({}))]
    made = {line: json.dumps(GOOD | json.loads(line.trick)) for line in documents}
    weak = lambda line: _weak_document(json.loads(made[line]))
    assert not find_faults(documents, made=made.__getitem__, weak=weak, control=empty)
    assert len(urls) + len(documents) >= 90


def _weak_url(url):
    """It is a web address when a browser would go there."""
    return re.match(r"https?:/", re.sub(r"[\t\r\n ]", "", url), re.IGNORECASE) is not None


def _weak_document(document):
    """It is a document when the members are there that have to be."""
    return isinstance(document, dict) and {"client_id", "redirect_uris"} <= document.keys()


@requirement("CIMD-03")
def test_a_document_without_a_method_is_of_a_public_client():
    assert parse().token_endpoint_auth_method == "none"
    assert parse(token_endpoint_auth_method="none") == parse()


@requirement("CIMD-03", "REG-04")
def test_a_document_has_what_strangers_may_have_here_and_no_more():
    assert parse().scopes == OPEN
    assert parse(scope="openid email mcp:tools demo:notes:read").scopes == {"openid", "demo:notes:read"}
    assert parse(scope="mcp:tools").scopes == frozenset()
    assert parse(optional_scopes="profile mcp:tools").optional_scopes == {"profile"}
    wished = ["authorization_code", "refresh_token", "client_credentials", "implicit"]
    assert parse(grant_types=wished).grant_types == {"authorization_code", "refresh_token"}
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    assert exchange not in parse(grant_types=["authorization_code", exchange]).grant_types
    assert exchange in parse("token", grant_types=["authorization_code", exchange]).grant_types
    client = build(first_party=True, serves=[URL], resources=[URL], providers=["x"], registered_by="operator")
    assert (client.first_party, client.serves, client.resources) == (False, frozenset(), frozenset())
    assert (client.registered_by, client.handout, client.is_confidential) == ("document", "none", False)


@requirement("CONS-08")
@pytest.mark.parametrize(
    "changed",
    [
        {"client_name": "Other App"},
        {"redirect_uris": ["https://client.example/cb", "https://client.example/cb2"]},
        {"scope": "openid"},
        {"policy_uri": "https://client.example/policy"},
        {"grant_types": ["authorization_code"]},
    ],
)
def test_a_changed_document_raises_the_revision(changed):
    first = build()
    assert build(first, now=NOW + 10, **changed).revision == NOW + 10
    ahead = replace(first, revision=NOW + 50)
    assert build(ahead, now=NOW + 10, **changed).revision == NOW + 51


@requirement("CIMD-04")
def test_the_same_document_keeps_the_revision_the_marks_and_the_end_of_the_client():
    used = replace(build(), marks=Revocation(not_before=NOW), expires_at=NOW + 200 * DAY)
    again = build(used, now=NOW + DAY)
    assert again == replace(used, fetched_at=NOW + DAY, fresh_until=NOW + DAY + 300)
    changed = build(used, now=NOW + DAY, client_name="Other App")
    assert (changed.marks, changed.created_at, changed.expires_at) == (used.marks, NOW, NOW + 200 * DAY)
