"""The registry of reasons: as many as the code gives, a sentence for each, and a page that is written from it."""

import re
import shlex
from collections import Counter

import pytest

from cli.explanation.error_page import build_page
from cli.explanation.explanation import build_command
from cli.explanation.registry import PAGE, find_reason, page_of, read_registry
from cli.main import build_parser
from tests.kit import ROOT
from tests.kit.reasons import collect
from tests.kit.requirement import requirement

ENTRIES = {key: reason for group in read_registry().values() for key, reason in group.reasons.items()}
FIXES = {key: reason.fix for key, reason in ENTRIES.items() if reason.fix}


@requirement("OPS-07")
def test_every_reason_of_the_code_is_in_the_registry_and_none_more() -> None:
    given = {one.reason: one.place for one in collect()}
    missing = {reason: place for reason, place in given.items() if reason not in ENTRIES}
    assert not missing, f"write them into cli/reasons/, then python -m cli.explanation.error_page: {missing}"
    assert not ENTRIES.keys() - given.keys(), "no code gives these any more"
    assert len(given) > 400


@requirement("OPS-07")
def test_each_is_there_once_with_sentences_of_its_own() -> None:
    assert sum(len(group.reasons) for group in read_registry().values()) == len(ENTRIES)
    says = Counter(reason.says for reason in ENTRIES.values())
    assert [text for text, times in says.items() if times > 1] == []
    for group_id, group in read_registry().items():
        assert group.title and group.endpoints and group.source and group.do.endswith("."), group_id
        assert set(group.steps) <= group.reasons.keys() and set(group.after) <= read_registry().keys(), group_id
        for key, reason in group.reasons.items():
            assert reason.says.endswith(".") and len(reason.says.split()) > 3, key
            assert (
                reason.check and not reason.check.endswith(".") and (not reason.do or reason.do.endswith((".", "?")))
            ), key


@requirement("OPS-07")
def test_the_page_is_current_and_each_reason_has_one_anchor_with_its_sentence() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page == build_page(), "run python -m cli.explanation.error_page"
    found = re.findall(r'<a id="([^"]+)"></a>', page)
    assert len(found) == len(set(found)), "two anchors of one name"
    for key, reason in ENTRIES.items():
        document, _, anchor = page_of(key).partition("#")
        assert document == PAGE and anchor in found, key
        entry = page.partition(f'<a id="{anchor}"></a>')[2].partition("<a id=")[0]
        assert entry.startswith(f"**`{key}`**") and reason.says in entry and reason.do in entry, key
        assert ("Command: `" in entry) == bool(reason.fix), key


@requirement("OPS-08")
@pytest.mark.parametrize("fix", FIXES.values(), ids=FIXES)
def test_each_command_is_one(fix: str) -> None:
    evidence = {
        "client_id": "0" * 32,
        "received": "client_credentials",
        "provider_id": "demo",
        "connection_id": "0" * 32,
    }
    command = build_command(fix, evidence)
    assert command is not None
    words = shlex.split(command)
    assert words[:3] == ["python3", "dev.py", "broker"]
    build_parser().parse_args(words[3:])


@requirement("OPS-07")
def test_a_reason_that_is_filled_in_is_found_by_its_family() -> None:
    for reason, key, filled in (
        ("assertion_token_expired", "assertion_*", "token_expired"),
        ("assertion_replayed", "assertion_replayed", ""),
        ("token_invalid_client", "token_*", "invalid_client"),
        ("token_status_401", "token_status_*", "401"),
        ("userinfo_status_503", "*_status_*", ""),
        ("client_mark", "*_mark", "client"),
        ("proof_signature_wrong", "proof_*", "signature_wrong"),
        ("logo_uri_malformed", "*_malformed", "logo_uri"),
    ):
        known = find_reason(reason)
        assert known is not None and known.key == key, reason
        if filled:
            assert known.filled == filled
    assert find_reason("nothing_of_ours") is None
