"""Connections in and out: what another system holds works here from then on, each line is accounted for, and what
leaves opens to the holder of the operator's key alone."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe
from joserfc.jwk import ECKey

from chalicelib.jobs.user_erasure import erase_user
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, consent_item_key, subject_item_key
from cli.commands.kill import kill_user
from cli.connection_transfer.exporter import export_lines, read_public_key
from cli.connection_transfer.format import Moved, NotMoved, read_lines
from cli.connection_transfer.importer import Importer, import_lines
from cli.deployment.connections import list_connections
from cli.deployment.operations import OperationError
from local.fake.people import USERS
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.connect_links import connect
from tests.kit.http.tokens import Session, change, read
from tests.kit.requirement import requirement

ALICE, BOB = USERS["alice"].sub, USERS["bob"].sub


def bring(session: Session, *lines: dict[str, Any], dry: bool = False) -> dict[str, Any]:
    importer = Importer(session.stack.broker, session.client, dry=dry)
    return import_lines(importer, "\n".join(map(json.dumps, lines)))


def theirs(session: Session, **more: Any) -> dict[str, Any]:
    """A line for an account at the second provider, of the user who signs in at the first as alice."""
    return {
        "provider": "second",
        "subject": "their-alice",
        "user_provider": "demo",
        "user_subject": ALICE,
        "scope": "notes:read",
        "access_token": "theirs-access",
        "refresh_token": "theirs-refresh",
        "expires_at": "2099-01-01T00:00:00Z",
        **more,
    }


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def opened(line: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """By a library of others."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    plain = jwe.decrypt_compact(line, ECKey.import_key(pem)).plaintext
    assert plain is not None
    return dict(json.loads(plain))


def export(session: Session, key: ec.EllipticCurvePrivateKey) -> list[str]:
    alive = [one for one in list_connections(session.stack.deployment) if one.status == "active"]
    return export_lines(session.stack.broker, alive, key.public_key())


def forget(session: Session, connection: Connection) -> None:
    """The table loses it, as an accident does."""
    session.stack.deployment.delete(connection_item_key(connection.connection_id))
    session.stack.deployment.delete(consent_item_key(connection.sub, connection.client_id))


@requirement("MOVE-01")
def test_what_leaves_opens_to_the_operators_key_and_comes_back_as_it_was(
    session: Session, key: ec.EllipticCurvePrivateKey
) -> None:
    assert "connection_id=" in connect(session).location
    token = str(session.refresh().json["access_token"])
    before = session.exchange(token, audience="second").json["access_token"]
    lines = export(session, key)
    assert len(lines) == 2
    told = {document["provider"]: document for document in (opened(line, key) for line in lines)}
    assert told["second"]["access_token"] == before
    assert not any(before in line or told["demo"]["access_token"] in line for line in lines)
    held = [one for one in list_connections(session.stack.deployment) if one.provider_id == "second"]
    forget(session, held[0])
    assert session.exchange(token, audience="second").status == 400
    assert bring(session, told["second"]) == {"read": 1, "imported": 1, "present": 0, "left": 0, "lines": []}
    back = list_connections(session.stack.deployment, provider_id="second")
    assert [one.connection_id for one in back] == [held[0].connection_id]
    assert back[0].granted == held[0].granted
    assert session.exchange(token, audience="second").json["access_token"] == before


@requirement("VLT-24")
@pytest.mark.parametrize("who", [ALICE, BOB])
def test_an_imported_connection_is_noted_for_an_index_that_lags(session: Session, who: str) -> None:
    """Of a user who is known, and of one whom the import makes."""
    assert bring(session, theirs(session, user_subject=who))["imported"] == 1
    (one,) = list_connections(session.stack.deployment, provider_id="second")
    assert one.connection_id in read(session.stack, subject_item_key(one.sub)).new_connections


@requirement("MOVE-02")
def test_an_account_of_another_system_serves_its_user_at_the_next_sign_in(session: Session) -> None:
    newcomer = theirs(session, user_subject=BOB)
    assert bring(session, newcomer)["imported"] == 1
    scope = "openid demo:notes:read second:notes:read"
    bob = session.stack.sign_in(session.client, scope=scope, provider="demo", who="bob")
    token = session.stack.redeem(bob).json["access_token"]
    assert session.stack.exchange(bob, token, audience="second").json["access_token"] == "theirs-access"
    assert session.exchange(audience="second").status == 400


@requirement("MOVE-01")
def test_every_line_is_accounted_for_and_none_twice(session: Session) -> None:
    good = theirs(session)
    lines = [
        good,
        {**good, "access_token": "another"},
        {**good, "provider": "unknown"},
        {**good, "subject": ""},
        {**good, "scope": "admin"},
        {**good, "access_token": "with a space"},
        {**good, "subject": "second", "expires_at": "tomorrow"},
        {**good, "surprise": "1"},
    ]
    dry = bring(session, *lines, dry=True)
    assert list_connections(session.stack.deployment, provider_id="second") == []
    told = bring(session, *lines)
    assert told["read"] == told["imported"] + told["present"] + told["left"] == len(lines)
    assert (told["imported"], told["present"]) == (1, 1)
    assert [line["why"] for line in told["lines"]] == [
        "present",
        "provider_not_switched_on",
        "subject_missing",
        "client_may_not_have_it",
        "token_unusable",
        "date_not_understood",
        "not_understood",
    ]
    assert dry["imported"] == 2, "a dry run sees the double only once it stands"
    (held,) = list_connections(session.stack.deployment, provider_id="second")
    again = bring(session, good)
    assert (again["imported"], again["present"]) == (0, 1)
    assert list_connections(session.stack.deployment, provider_id="second") == [held]


@requirement("MOVE-01")
def test_what_another_system_does_not_have_may_be_null(session: Session) -> None:
    """As jq writes it, by the lines of docs/moving.md, of a provider without refresh tokens."""
    line = {**theirs(session), "refresh_token": None, "expires_at": None, "issuer": None}
    assert bring(session, line)["imported"] == 1
    (held,) = list_connections(session.stack.deployment, provider_id="second")
    assert held.sealed_access_token and not held.sealed_refresh_token and held.access_expires_at is None


@requirement("MOVE-01")
def test_a_name_with_a_separator_of_lines_in_it_is_within_its_line(session: Session) -> None:
    """JSON.stringify leaves U+2028 as it is."""
    named = theirs(session, profile={"name": "Alice\u2028of\x85Wonderland"})
    importer = Importer(session.stack.broker, session.client, dry=True)
    told = import_lines(importer, f"{json.dumps(named, ensure_ascii=False)}\r\n\r\n")
    assert (told["read"], told["imported"]) == (1, 1)


@requirement("MOVE-02")
def test_what_a_user_took_back_stays_taken_back(session: Session) -> None:
    assert bring(session, theirs(session, user_subject=ALICE))["imported"] == 1
    (held,) = list_connections(session.stack.deployment, provider_id="second")
    ended = msgspec.structs.replace(held, status="revoked", revoked_at=session.stack.clock.now())
    session.stack.deployment.put(connection_item_key(held.connection_id), ended)
    told = bring(session, theirs(session, user_subject=ALICE))
    assert [line["why"] for line in told["lines"]] == ["taken_back"]
    assert list_connections(session.stack.deployment, provider_id="second") == [ended]


@requirement("MOVE-02")
@pytest.mark.parametrize("why", ["epoch", "client_revision", "kill"])
def test_what_counts_no_more_is_not_revived_beside_what_is_imported(session: Session, why: str) -> None:
    """A decision from before a restore, another purpose of the app, or a switch: its page has to be shown again."""
    stack, place = session.stack, session.consent_place()
    if why == "kill":
        for undo in (False, True):
            kill_user(stack.deployment, session.claims["sub"], undo=undo)
        stack.clock.advance(5)
    else:
        change(stack, place, **{why: -1})
    assert bring(session, theirs(session))["imported"] == 1
    consent = read(stack, place)
    assert (consent.scopes, consent.redirect_hashes) == (frozenset({"second:notes:read"}), frozenset())


@requirement("MOVE-02")
def test_what_a_user_gave_for_a_while_is_over_for_an_import_too(session: Session) -> None:
    change(session.stack, session.consent_place(), ends_at=session.stack.clock.now() + 1)
    session.stack.clock.advance(2)
    told = bring(session, theirs(session))
    assert [line["why"] for line in told["lines"]] == ["taken_back"]


@requirement("MOVE-02")
def test_a_connection_of_tomorrow_would_outlive_every_switch_so_it_is_of_now(session: Session) -> None:
    assert bring(session, theirs(session, connected_at="2099-01-01T00:00:00Z"))["imported"] == 1
    (held,) = list_connections(session.stack.deployment, provider_id="second")
    assert held.connected_at == session.stack.clock.now()


@requirement("MOVE-01")
@pytest.mark.parametrize("told", [-1, 10**30, "\u00b2", "9" * 5000, "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_leaves_its_line_and_no_other(session: Session, told: Any) -> None:
    answer = bring(session, theirs(session, expires_at=told), theirs(session, subject="another"))
    assert [line["why"] for line in answer["lines"]] == ["date_not_understood"] and answer["imported"] == 1


@requirement("MOVE-02")
def test_an_erased_user_does_not_come_back(session: Session) -> None:
    assert erase_user(session.stack.broker, session.claims["sub"]) is not None
    told = bring(session, theirs(session))
    assert [line["why"] for line in told["lines"]] == ["user_erased"]
    assert list_connections(session.stack.deployment, provider_id="second") == []


@requirement("MOVE-02", "VLT-20")
def test_a_login_that_the_table_links_to_another_user_brings_nothing_to_that_user(session: Session) -> None:
    change(session.stack, subject_item_key(session.claims["sub"]), linked_to="0" * 32)
    told = bring(session, theirs(session))
    assert [line["why"] for line in told["lines"]] == ["login_does_not_verify"]
    assert list_connections(session.stack.deployment, provider_id="second") == []


@requirement("MOVE-02")
def test_a_sign_in_that_comes_between_look_and_write_is_not_overwritten(session: Session) -> None:
    """The user connects the very account while its line is on the way."""
    line = theirs(session, subject=ALICE, user_subject=ALICE)
    stands: list[Connection] = []

    def meanwhile() -> None:
        assert "connection_id=" in connect(session).location
        stands.extend(list_connections(session.stack.deployment, provider_id="second"))

    slow = FaultyTransport(session.stack.dynamodb, Fault(mode="D", operation="PutItem"), on_delay=meanwhile)
    told = import_lines(Importer(session.stack.build(dynamodb=slow), session.client, dry=False), json.dumps(line))
    assert len(stands) == 1 and (told["imported"], told["present"]) == (0, 1)
    assert list_connections(session.stack.deployment, provider_id="second") == stands


@requirement("MOVE-01")
def test_two_at_once_import_each_line_once(session: Session) -> None:
    text = "\n".join(json.dumps(theirs(session, subject=f"account-{number}")) for number in range(12))
    both = Barrier(2)

    def bring_all(_: int) -> dict[str, Any]:
        importer = Importer(session.stack.build(), session.client, dry=False)
        both.wait()
        return import_lines(importer, text)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(bring_all, range(2))
    assert one["left"] == other["left"] == 0, (one, other)
    assert one["imported"] + other["imported"] == one["present"] + other["present"] == 12
    held = list_connections(session.stack.deployment, provider_id="second")
    assert len(held) == 12 and {connection.token_generation for connection in held} == {1}


@requirement("MOVE-01")
def test_what_was_killed_between_connection_and_consent_is_finished_by_the_next_run(session: Session) -> None:
    scope = "openid demo:notes:read second:notes:read"
    line = theirs(session, user_subject=BOB)
    first_of_bob = 3  # key and subject of a user who was never here, the connection, and then the consent
    dying = FaultyTransport(session.stack.dynamodb, Fault(mode="K", operation="PutItem", first=first_of_bob))
    with pytest.raises(ProcessDied):
        import_lines(Importer(session.stack.build(dynamodb=dying), session.client, dry=False), json.dumps(line))
    assert bring(session, line)["present"] == 1
    bob = session.stack.sign_in(session.client, scope=scope, provider="demo", who="bob")
    token = session.stack.redeem(bob).json["access_token"]
    assert session.stack.exchange(bob, token, audience="second").json["access_token"] == "theirs-access"
    assert bring(session, line)["present"] == 1


def test_a_table_with_a_first_line_of_names_is_read_too() -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["provider", "subject", "access_token", "expires_at", "metadata"])
    writer.writeheader()
    writer.writerow(
        {"provider": "p", "subject": "1", "access_token": "a", "expires_at": "", "metadata": '{"tenant":"t"}'}
    )
    writer.writerow(
        {"provider": "p", "subject": "2", "access_token": "b", "expires_at": "1700000000000", "metadata": "x"}
    )
    (_, first), (_, second) = read_lines(out.getvalue())
    assert first == Moved(provider="p", subject="1", access_token="a", metadata={"tenant": "t"})
    assert isinstance(second, NotMoved)
    ((_, deep),) = read_lines("provider,access_token,metadata\np,a," + "[" * 100_000 + "\n")
    assert isinstance(deep, NotMoved)
    for broken in ("", "name,token\n1,2\n", "provider,access_token\np," + "a" * 140_000):
        with pytest.raises(OperationError):
            list(read_lines(broken))


def test_a_key_that_is_no_public_key_on_the_curve_is_refused(key: ec.EllipticCurvePrivateKey) -> None:
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    wrong = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for pem in (b"", b"no key", wrong):
        with pytest.raises(OperationError, match="P-256"):
            read_public_key(pem)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert read_public_key(pem) == key.public_key()
