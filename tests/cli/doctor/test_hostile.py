"""A server that wants the doctor to fall over, wait for ever, or go astray."""

import pytest

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.upstream.http import HttpResponse
from cli.doctor.checks import Report, examine
from cli.doctor.server import GROUPS
from cli.doctor.server.answer import Answer, is_alike, sent_to
from cli.doctor.server.asking import Asker
from cli.doctor.server.visit import Server
from tests.cli.doctor.bad_server import CLIENT, EC_KEY, REDIRECT_URI, BadServer
from tests.cli.doctor.findings import names
from tests.kit.requirement import requirement

GARBAGE = (None, 7, -1e400, "x", "", [], [None, 7, {}], [[]], {"a": 1}, True)
NO_URLS = ("http://[", "https://x:port/", "https://x:99999/", "\ud800", "\x1b]0;x\x07", "//", "javascript:alert(1)")


def visit(bad: BadServer, change: object = None, **asking: float) -> Report:
    """`change` has the metadata before any check does."""
    bad.faults, bad.issuer = set(), bad.own_issuer
    asker = Asker(allow=(LocalTarget(host="127.0.0.1", port=bad.port, address="127.0.0.1"),), **asking)
    server = Server(bad.issuer, asker, client_id=CLIENT, redirect_uri=REDIRECT_URI)
    if callable(change):
        for place in server.documents:
            change(place.document)
    return examine(bad.issuer, GROUPS, server)


@requirement("DIAG-02")
@pytest.mark.parametrize("garbage", [*GARBAGE, *NO_URLS], ids=repr)
def test_metadata_of_garbage_is_found_or_passed_over(bad: BadServer, garbage: object) -> None:
    report = visit(bad, lambda document: document.update(dict.fromkeys(document, garbage)))
    assert {"discovery-issuer", "metadata-required"} & names(report)
    for finding in report.findings:
        assert finding.found.isprintable() and finding.fix.isprintable()


@requirement("DIAG-02")
@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_keys_of_garbage_are_found_or_passed_over(
    bad: BadServer, garbage: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [dict.fromkeys([*EC_KEY, "n"], garbage), {"kty": "RSA", "n": garbage}]
    monkeypatch.setattr(bad, "keys", lambda: {"keys": [*keys, garbage]})
    assert {"jwks-fits", "jwks-strength"} & names(visit(bad))


@requirement("DIAG-02")
@pytest.mark.parametrize("location", NO_URLS, ids=repr)
def test_a_redirect_to_nowhere_is_no_failure(location: str) -> None:
    odd = Answer("https://x.example/authorize", HttpResponse(status=302, headers={"location": location}))
    assert sent_to(odd, REDIRECT_URI) is None
    assert is_alike(odd, odd)


@requirement("DIAG-02")
def test_a_server_that_takes_its_time_is_not_waited_for_for_ever(bad: BadServer) -> None:
    report = visit(bad, total_seconds=0)
    assert (report.passed, report.score, report.is_well) == ([], 0, False)
    assert "no time is left" in str(report.findings[0].found)
