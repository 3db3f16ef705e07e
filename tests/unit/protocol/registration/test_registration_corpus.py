"""The corpus of registration documents: each is refused for what it tries, and who does not look at that takes it."""

import json
from typing import Any

import pytest

from chalicelib.protocol.errors import InvalidClientMetadata, OAuthError
from chalicelib.protocol.registration import ONLY_VALUES, URI_MEMBERS, open_policy, parse_registration
from tests.data import Line, find_faults, read_corpus
from tests.kit.registration.corpus_body import body_of
from tests.kit.requirement import requirement
from tests.unit.protocol.registration.weak_registration import READERS, RULES, SCOPES, believing_server, weak_read

CORPUS = read_corpus("registration.toml")
GOOD = {"redirect_uris": ["https://app.example/cb"]}
REFUSED = [line for line in CORPUS if line.section not in ("invalid_request", "ignored")]
UNREADABLE = [line for line in CORPUS if line.section == "invalid_request"]
METADATA = [line for line in REFUSED if line.section == "invalid_client_metadata"]
IGNORED = [line for line in CORPUS if line.section == "ignored"]
# Every name that may be told: they stand here once more, so that none can come from what was sent.
OTHERS = """
application_type backchannel_logout_session_required backchannel_logout_uri client_name dpop_bound_access_tokens
grant_types jwks optional_scopes post_logout_redirect_uris redirect_uris require_pushed_authorization_requests
response_types scope subject_type token_endpoint_auth_method token_endpoint_auth_signing_alg
"""
MEMBERS = {*ONLY_VALUES, *URI_MEMBERS, *OTHERS.split()}


def document_of(line: Line) -> dict[str, Any]:
    """What stands there, on top of a good document."""
    return GOOD | dict(json.loads(line.trick["sent"]))


def is_taken(line: Line) -> bool:
    """The kind reader makes a document of it."""
    try:
        read = READERS[line.trick["weak"]](body_of(line))
    except (ValueError, SyntaxError, RecursionError):
        return False
    return isinstance(read, dict) and isinstance(read.get("redirect_uris"), list)


@requirement("REG-02", "REG-04", "AUTHZ-05")
@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line.says)
def test_a_trick_is_refused_by_the_rules_alone(line: Line) -> None:
    with pytest.raises(OAuthError) as refusal:
        parse_registration(document_of(line), open_policy(frozenset(SCOPES), "none"), default_scopes=frozenset(SCOPES))
    assert refusal.value.code == line.section


@requirement("REG-02", "GEN-03")
def test_the_corpus_tries_different_things_and_a_weak_checker_falls_for_each() -> None:
    assert not find_faults(
        REFUSED,
        made=lambda line: json.dumps(json.loads(line.trick["sent"]), sort_keys=True),
        weak=lambda line: weak_read(document_of(line), line.trick["weak"]),
        least=60,
        control=[(line.name, weak_read(document_of(line), ())) for line in REFUSED],
    )
    garbage = b"\x00"
    assert not find_faults(
        UNREADABLE,
        made=body_of,
        weak=is_taken,
        control=[(name, is_taken(Line("", name, {"hex": garbage.hex(), "weak": name}))) for name in READERS],
    )
    assert not find_faults(
        IGNORED,
        made=lambda line: line.trick["sent"],
        weak=lambda line: believing_server(document_of(line)) != believing_server(GOOD),
    )
    assert set(RULES) == {name for line in REFUSED for name in line.trick["weak"]}
    assert set(READERS) == {line.trick["weak"] for line in UNREADABLE}
    assert weak_read(GOOD, ()) and not [line.says for line in IGNORED if not weak_read(document_of(line), ())]


@requirement("REG-07", "GEN-07")
@pytest.mark.parametrize("line", METADATA, ids=lambda line: line.says)
def test_a_refusal_names_the_member_and_nothing_that_was_sent(line: Line) -> None:
    with pytest.raises(InvalidClientMetadata) as refusal:
        parse_registration(document_of(line), open_policy(frozenset(SCOPES), "none"), default_scopes=frozenset(SCOPES))
    said, colon, named = refusal.value.description.partition(": ")
    assert f"{said}." == InvalidClientMetadata.description and colon
    names = set(named.removesuffix(".").split(", "))
    assert names <= MEMBERS and names & json.loads(line.trick["sent"]).keys()
