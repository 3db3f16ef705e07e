"""Redirect URIs against the corpus, and the few things that it cannot say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.errors import InvalidRedirectUri
from chalicelib.protocol.redirect_uri import (
    check_registrable,
    is_loopback,
    match_redirect_uri,
    origin_of,
    place_hash,
    redirect_hash,
)
from tests.data import find_faults, read_corpus
from tests.kit.requirement import requirement
from tests.unit.protocol.registration.weak_redirect_uri import COMPARISONS, RULES, weak_register

CORPUS = read_corpus("redirect_uri.txt")
KINDS = ("web", "native")
ELSEWHERE = "ftp://zzz.test/other?q=9"


def lines(section: str) -> list:
    return [line for line in CORPUS if line.section == section]


def of(section: str) -> list:
    return [pytest.param(line.trick, id=line.says) for line in lines(section)]


@requirement("AUTHZ-05", "REG-02")
@pytest.mark.parametrize("trick", of("refused_at_registration"))
def test_a_trick_cannot_be_registered(trick):
    for kind in [trick["kind"]] if "kind" in trick else KINDS:
        with pytest.raises(InvalidRedirectUri):
            check_registrable(trick["uri"], application_type=kind)


@requirement("AUTHZ-02", "AUTHZ-05")
@pytest.mark.parametrize("trick", of("refused_at_registration"))
def test_what_cannot_be_registered_matches_nothing_that_is(trick):
    kind = trick.get("kind", "web")
    registered = tuple(line.trick["uri"] for line in lines("registrable") if line.trick.get("kind", kind) == kind)
    for native in (True, False) if "kind" not in trick else (False,):
        assert not match_redirect_uri(trick["uri"], registered, native=native)


@requirement("AUTHZ-02", "AUTHZ-05", "REG-02")
def test_the_corpus_tries_different_things_and_a_weak_checker_falls_for_each():
    registering, matching = lines("refused_at_registration"), lines("refused_at_authorize")
    assert not find_faults(
        registering,
        made=lambda line: (line.trick["uri"], line.trick.get("kind")),
        weak=lambda line: weak_register(line.trick["uri"], line.trick.get("kind", "native"), set(line.trick["weak"])),
        least=120,
        control=[
            (line.name, weak_register(line.trick["uri"], line.trick.get("kind", "native"), set()))
            for line in registering
        ],
    )
    assert not find_faults(
        matching,
        made=lambda line: (line.trick["sent"], line.trick["registered"], line.trick.get("native")),
        weak=lambda line: COMPARISONS[line.trick["weak"]](line.trick["sent"], line.trick["registered"]),
        control=[
            (line.name, COMPARISONS[line.trick["weak"]](ELSEWHERE, line.trick["registered"])) for line in matching
        ],
    )
    assert set(RULES) == {name for line in registering for name in line.trick["weak"]}
    assert set(COMPARISONS) == {line.trick["weak"] for line in matching}


@requirement("AUTHZ-05")
@pytest.mark.parametrize("line", lines("registrable"), ids=lambda line: line.says)
def test_the_weak_checker_knows_what_is_honest(line):
    assert weak_register(line.trick["uri"], line.trick.get("kind", "native"), set())


@requirement("AUTHZ-05")
@pytest.mark.parametrize("honest", of("registrable"))
def test_an_honest_uri_can_be_registered(honest):
    for kind in [honest["kind"]] if "kind" in honest else KINDS:
        check_registrable(honest["uri"], application_type=kind)


@requirement("AUTHZ-02")
@pytest.mark.parametrize("trick", of("refused_at_authorize"))
def test_what_differs_from_the_registered_string_does_not_match(trick):
    assert not match_redirect_uri(trick["sent"], (trick["registered"],), native=trick.get("native", True))


@requirement("AUTHZ-02")
@pytest.mark.parametrize("honest", of("matches"))
def test_the_registered_string_matches_and_of_loopback_the_port_is_free(honest):
    assert match_redirect_uri(honest["sent"], (honest["registered"],), native=honest.get("native", True))


@requirement("AUTHZ-02")
def test_any_one_of_several_registered_uris_matches_and_none_matches_nothing():
    registered = ("https://a.example/cb", "http://127.0.0.1/cb")
    assert match_redirect_uri("https://a.example/cb", registered, native=True)
    assert match_redirect_uri("http://127.0.0.1:9/cb", registered, native=True)
    assert not match_redirect_uri("https://a.example/cb", (), native=True)


@requirement("AUTHZ-05")
def test_a_uri_has_a_longest_length():
    check_registrable("https://app.example/" + "a" * 1980, application_type="web")
    with pytest.raises(InvalidRedirectUri):
        check_registrable("https://app.example/" + "a" * 1981, application_type="web")


@requirement("AUTHZ-05")
def test_a_host_has_a_longest_length():
    check_registrable("https://" + "a." * 122 + "example/cb", application_type="web")
    with pytest.raises(InvalidRedirectUri):
        check_registrable("https://" + "a." * 124 + "example/cb", application_type="web")


@requirement("AUTHZ-02")
@given(st.text(max_size=60), st.booleans())
def test_no_other_string_matches_an_https_uri(sent, native):
    registered = "https://app.example/cb"
    assert match_redirect_uri(sent, (registered,), native=native) == (sent == registered)


@requirement("AUTHZ-02")
@given(st.integers(min_value=-10, max_value=100_000))
def test_of_a_loopback_uri_exactly_the_ports_match(port):
    sent = f"http://127.0.0.1:{port}/cb"
    assert match_redirect_uri(sent, ("http://127.0.0.1/cb",), native=True) == (1 <= port <= 65535)


@requirement("AUTHZ-05")
@pytest.mark.parametrize(
    ("uri", "loopback", "origin"),
    [
        ("https://app.example/cb", False, "https://app.example"),
        ("https://app.example:8443/cb?x=1", False, "https://app.example:8443"),
        ("http://127.0.0.1:49152/cb", True, "http://127.0.0.1:49152"),
        ("http://[::1]/cb", True, "http://[::1]"),
        ("http://localhost", True, "http://localhost"),
        ("http://127.0.0.300/cb", False, "http://127.0.0.300"),
        ("com.example.app:/cb", False, "com.example.app:"),
    ],
)
def test_pages_can_say_where_a_uri_leads(uri, loopback, origin):
    assert is_loopback(uri) is loopback
    assert origin_of(uri) == origin


@requirement("AUTHZ-02")
def test_a_uri_is_remembered_by_its_sha_256():
    expected = "3813b4ab1f4c678e49bd26db6e4e27090e3d3cfb70816b0dc9b7274a252ce8f2"
    assert redirect_hash("https://app.example/cb") == expected


@requirement("CONS-01")
def test_a_consent_remembers_a_native_loopback_redirect_without_its_port() -> None:
    first, second = "http://127.0.0.1:1024/back", "http://127.0.0.1:2048/back"
    assert place_hash(first, native=True) == place_hash(second, native=True) != place_hash(first, native=False)
    for other in ("http://127.0.0.1:1024/", "http://[::1]:1024/back", "https://127.0.0.1:1024/back"):
        assert place_hash(other, native=True) != place_hash(first, native=True)
    assert place_hash("https://app.example/", native=True) == redirect_hash("https://app.example/")


@requirement("AUTHZ-02")
@pytest.mark.parametrize(
    "scheme", sorted({"javascript", "data", "vbscript", "file", "intent", "ms-msdt", "web+x", "ws"})
)
def test_a_scheme_that_a_browser_or_a_system_handles_is_refused(scheme):
    with pytest.raises(InvalidRedirectUri):
        check_registrable(f"{scheme}://authority/path", application_type="native", public=True)


@requirement("AUTHZ-02")
def test_a_vendors_scheme_is_for_public_native_clients_alone():
    uri = "cursor://anysphere.cursor-mcp/oauth/callback"
    check_registrable(uri, application_type="native", public=True)
    for kind, public in (("native", False), ("web", True)):
        with pytest.raises(InvalidRedirectUri):
            check_registrable(uri, application_type=kind, public=public)
    for other in (
        "cursor://user@host/cb",
        "cursor://host:80/cb",
        "cursor:///cb",
        "Cursor://host/cb",
        "cursor://h/../cb",
    ):
        with pytest.raises(InvalidRedirectUri):
            check_registrable(other, application_type="native", public=True)
