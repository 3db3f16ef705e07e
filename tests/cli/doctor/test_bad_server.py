"""Each fault of a bad server is found by its check, and by no other; a good one has none."""

import json
import re
from collections.abc import Iterator

import pytest

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from cli.doctor.checks import Report, examine
from cli.doctor.page import PAGE
from cli.doctor.server import GROUPS
from cli.doctor.server.asking import NOBODY, Asker
from cli.doctor.server.visit import Server
from cli.main import main
from tests.cli.doctor.bad_server import CLIENT, PATH, REDIRECT_URI, BadServer
from tests.cli.doctor.findings import CHECKS, names
from tests.kit.requirement import requirement
from tests.kit.tls import TlsFront

NAME = "issuer.example"
# These need a server with a name of its own, and TLS or the lack of it.
UNDER_A_NAME = ("tls-plain-http", "tls-hsts", "authorize-cookies", "discovery-issuer-form")
# A fault that another one follows from.
FOLLOWS = {
    "discovery-no-redirect": {"discovery-path-inserted"},
    "agents-public": {"metadata-client-methods"},
    "agents-come-in": set[str](),
}


@pytest.fixture(scope="module")
def front(bad: BadServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFront]:
    """The same server as https://issuer.example."""
    found = TlsFront(NAME, bad.port, tmp_path_factory.mktemp("tls"))
    yield found
    found.stop()


def visit(bad: BadServer, *faults: str) -> Report:
    bad.faults, bad.issuer = set(faults), bad.own_issuer
    asker = Asker(allow=(LocalTarget(host="127.0.0.1", port=bad.port, address="127.0.0.1"),))
    return examine(bad.issuer, GROUPS, Server(bad.issuer, asker, client_id=CLIENT, redirect_uri=REDIRECT_URI))


def visit_by_name(bad: BadServer, front: TlsFront, *faults: str, scheme: str = "https") -> Report:
    """By its name: over TLS, and on port 80 in the clear where that is the fault."""
    bad.faults, bad.issuer = set(faults), f"{scheme}://{NAME}{PATH}"
    secure = LocalTarget(
        host=NAME, port=443, address="127.0.0.1", connect_port=front.port, plain_http=False, ca_file=str(front.ca_file)
    )
    open_port = bad.port if "tls-plain-http" in faults or scheme == "http" else 9
    plain = LocalTarget(host=NAME, port=80, address="127.0.0.1", connect_port=open_port)
    return examine(bad.issuer, GROUPS, Server(bad.issuer, Asker(allow=(secure, plain))))


@requirement("DIAG-01")
def test_a_good_server_has_nothing_to_be_found(bad: BadServer, front: TlsFront) -> None:
    for report in (visit(bad), visit_by_name(bad, front)):
        assert not report.findings, report.findings
        assert (report.score, report.is_well) == (100, True)


@requirement("DIAG-01")
@pytest.mark.parametrize("fault", [name for name in CHECKS if name not in UNDER_A_NAME])
def test_each_fault_is_found_by_its_check_alone(bad: BadServer, fault: str) -> None:
    report = visit(bad, fault)
    assert names(report) == {fault} | FOLLOWS.get(fault, set())
    assert report.score < 100
    assert report.is_well == all(CHECKS[name].severity != "error" for name in names(report))


@requirement("DIAG-01")
@pytest.mark.parametrize("fault", UNDER_A_NAME[:3])
def test_each_fault_of_a_name_is_found_by_its_check_alone(bad: BadServer, front: TlsFront, fault: str) -> None:
    assert names(visit_by_name(bad, front, fault)) == {fault}


@requirement("DIAG-01")
def test_an_issuer_without_tls_is_found(bad: BadServer, front: TlsFront) -> None:
    assert names(visit_by_name(bad, front, scheme="http")) == {"discovery-issuer-form", "tls-endpoints"}


@requirement("DIAG-02")
def test_nothing_is_asked_that_could_change_anything(bad: BadServer) -> None:
    bad.asked.clear()
    visit(bad)
    assert {method for method, _, _ in bad.asked} == {"GET", "POST"}
    for method, path, body in bad.asked:
        if method == "POST":
            assert path.startswith(f"{PATH}/token") and CLIENT not in body.replace(NOBODY, "")
            assert not body or f"code={NOBODY}" in body
    assert len(bad.asked) < 45


@requirement("DIAG-02")
def test_other_places_of_this_machine_are_not_asked(bad: BadServer) -> None:
    """A server's metadata may name any address: it does not lead the operator's machine to itself."""
    other = BadServer()
    try:
        bad.faults, bad.issuer = set(), other.own_issuer
        asker = Asker(allow=(LocalTarget(host="127.0.0.1", port=bad.port, address="127.0.0.1"),))
        report = examine(bad.own_issuer, GROUPS, Server(bad.own_issuer, asker))
        assert other.asked == []
        assert "url_not_allowed" in report.skipped["token-refuses"]
    finally:
        other.stop()


@requirement("DIAG-02")
def test_what_a_server_says_is_shown_without_its_control_characters(
    bad: BadServer, capsys: pytest.CaptureFixture[str]
) -> None:
    bad.faults, bad.issuer = set(), "\x1b[2J\x07" + "x" * 5000
    assert main(["doctor", "--url", bad.own_issuer, "--allow-loopback"]) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\x07" not in said and max(map(len, said.splitlines())) < 400


@requirement("DIAG-01")
def test_the_command_says_it_in_words_and_as_a_document(bad: BadServer, capsys: pytest.CaptureFixture[str]) -> None:
    bad.faults, bad.issuer = {"jwks-public", "agents-documents"}, bad.own_issuer
    words = ["doctor", "--url", bad.issuer, "--allow-loopback", "--client-id", CLIENT, "--redirect-uri", REDIRECT_URI]
    assert main(words) == 1
    said = capsys.readouterr().out
    (shown,) = re.findall(r"```\n(ERROR .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown in said
    assert "870MB6" not in said
    bad.faults = {"jwks-alg"}
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (found,) = document["findings"]
    assert (found["check"], found["severity"]) == ("jwks-alg", "advice") and found["fix"] and found["source"]["link"]
    assert document["score"] == 99 and document["well"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "http://127.0.0.1:9"], "is this machine"),
        (["--url", "http://[::1]:9"], "is this machine"),
        (["--url", "https://x.example:port"], "not the URL"),
        (["--url", "https://[x"], "not the URL"),
        (["--url", "ftp://x.example"], "not the URL"),
        (["--url", "https://a@x.example"], "not the URL"),
        (["--url", "https://x.example", "--client-id", "a"], "need each other"),
    ],
)
@requirement("DIAG-02")
def test_wrong_words_are_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *words]) == 1
    assert said in capsys.readouterr().err
