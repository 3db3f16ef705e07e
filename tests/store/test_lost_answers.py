"""Each conditional write knows its own repeat, and a crash anywhere leaves the old or the new, never half."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.process.system import SystemEntropy
from chalicelib.ports import Refused, StoreUnavailable, Written
from chalicelib.records.client import Client, Management, RegistrationPolicy
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.initial_token import InitialToken
from chalicelib.records.item_keys import client_item_key, initial_token_item_key
from chalicelib.records.revocation import Revocation
from chalicelib.records.small_items import StoredRequest
from chalicelib.records.subject import Subject
from tests.kit.faults import Fault, FaultyTransport, Mode, ProcessDied
from tests.kit.requirement import requirement
from tests.kit.store_scene import CLIENT, NOW, Story, make_store
from tests.store.sample_client import client

Verb = Callable[[Story], Any]


def put_initial_token(story: Story, **fields: Any) -> Written[InitialToken]:
    """As the operator's command does: it is written once, where nothing stands."""
    token = InitialToken(token_hash=story.grant_id, policy=RegistrationPolicy(), expires_at=NOW + 60, **fields)
    written = story.store._put(initial_token_item_key(story.grant_id), token, "attribute_not_exists(pk)")
    assert isinstance(written, Written)
    return written


def document(story: Story, revision: int) -> Client:
    url = f"https://{story.grant_id}.example/app.json"
    return replace(client(story, revision), client_id=url, registered_by="document", fetched_at=NOW + revision)


def consent(story: Story, version: int) -> Consent:
    return Consent(sub=story.grant_id, client_id=story.client_id, version=version, scopes=frozenset({"openid"}))


def connection(story: Story, generation: int) -> Connection:
    required = {
        "connection_id": story.grant_id, "sub": story.grant_id, "client_id": story.client_id, "provider_id": "demo",
        "token_generation": generation, "connected_at": NOW, "connected_by": SystemEntropy().token_bytes(8).hex(),
    }  # fmt: skip
    return Connection(status="active", **required)


def put_request(story: Story) -> Written[StoredRequest]:
    stored = StoredRequest(sealed=b"s", expires_at=NOW + 60, client_id=story.client_id)
    story.store.put_stored_request(story.grant_id, stored)
    return Written(stored)


ADVANCED: tuple[Verb, ...] = (
    lambda s: s.claim(),
    lambda s: s.issue(),
    lambda s: s.store.redeem_code(s.redemption()),
    lambda s: s.store.advance_grant(s.advance(1)),
)
DECIDED: tuple[Verb, ...] = (
    lambda s: s.start_device(),
    lambda s: s.store.claim_device(s.decided(), until=NOW + 69),
)
# verb -> (what comes before it, the write itself)
WRITES: dict[str, tuple[tuple[Verb, ...], Verb]] = {
    "claim_grant": ((), lambda s: s.claim()),
    "issue_grant": ((lambda s: s.claim(),), lambda s: s.issue()),
    "pause_grant": (
        (lambda s: s.claim(), lambda s: s.issue()),
        lambda s: s.store.pause_grant(s.grant_id, sub="s" * 32, paused=True),
    ),
    "set_logins": (
        (lambda s: s.store.put_subject(Subject(sub=s.grant_id, session_salt=b"s", created_at=NOW)),),
        lambda s: s.store.set_logins(
            Subject(sub=s.grant_id, session_salt=b"s", created_at=NOW), {"l": "demo"}, salt=b"s"
        ),
    ),
    "redeem_code": ((lambda s: s.claim(), lambda s: s.issue()), lambda s: s.store.redeem_code(s.redemption())),
    "redeem_code, bound": (
        (lambda s: s.claim(), lambda s: s.issue(dpop_jkt="k")),
        lambda s: s.store.redeem_code(s.redemption(jkt="k", binds=True)),
    ),
    "advance_grant, bound": (
        (lambda s: s.claim(), lambda s: s.issue(), lambda s: s.store.redeem_code(s.redemption())),
        lambda s: s.store.advance_grant(s.advance(1, jkt="k", binds=True)),
    ),
    "advance_grant": (
        (lambda s: s.claim(), lambda s: s.issue(), lambda s: s.store.redeem_code(s.redemption())),
        lambda s: s.store.advance_grant(s.advance(1)),
    ),
    "withhold_token": (ADVANCED, lambda s: s.store.withhold_token(s.record("active", generation=2))),
    "deliver_withheld": (
        (*ADVANCED, lambda s: s.store.withhold_token(s.record("active", generation=2))),
        lambda s: s.store.deliver_withheld(s.record("active", generation=2), key_version=1, now=NOW),
    ),
    "claim_device": ((lambda s: s.start_device(),), lambda s: s.store.claim_device(s.decided(), until=NOW + 69)),
    "reopen_device": (DECIDED, lambda s: s.store.reopen_device(s.decided())),
    "issue_device, claimed": (DECIDED, lambda s: s.store.issue_device(s.record("issued"), s.decided(), claimed=True)),
    "issue_device, at once": (
        (lambda s: s.start_device(),),
        lambda s: s.store.issue_device(s.record("issued"), s.decided(), claimed=False),
    ),
    "redeem_code, of a device": (
        (*DECIDED, lambda s: s.store.issue_device(s.record("issued"), s.decided(), claimed=True)),
        lambda s: s.store.redeem_code(s.device_redemption()),
    ),
    "deny_device": ((lambda s: s.start_device(),), lambda s: s.store.deny_device(s.decided())),
    "note_poll, in time": ((lambda s: s.start_device(),), lambda s: s.store.note_poll(s.poll(), early_by=0)),
    "note_poll, too early": ((lambda s: s.start_device(),), lambda s: s.store.note_poll(s.poll(), early_by=5)),
    "revoke_grant": ((lambda s: s.claim(),), lambda s: s.store.revoke_grant(s.grant_id, client_id=s.client_id)),
    "claim_once": ((), lambda s: s.store.claim_once(s.grant_id, now=NOW, expires_at=NOW + 60)),
    "put_consent, new": ((), lambda s: s.store.put_consent(consent(s, 1), expected_version=0)),
    "put_consent, changed": (
        (lambda s: s.store.put_consent(consent(s, 1), expected_version=0),),
        lambda s: s.store.put_consent(consent(s, 2), expected_version=1),
    ),
    "put_connection, new": ((), lambda s: s.store.put_connection(connection(s, 1))),
    "put_connection, again": (
        (lambda s: s.store.put_connection(connection(s, 1)),),
        lambda s: s.store.put_connection(connection(s, 2)),
    ),
    "revoke_connection": (
        (lambda s: s.store.put_connection(connection(s, 1)),),
        lambda s: s.store.revoke_connection(connection(s, 1), now=NOW),
    ),
    "extend_client": (
        (lambda s: s.store.put_client(client(s, 1), expected_revision=None),),
        lambda s: s.store.extend_client(client(s, 1), expires_at=NOW + 1),
    ),
    "open_stored_request": (
        (lambda s: put_request(s),),
        lambda s: s.store.open_stored_request(
            s.grant_id, client_id=s.client_id, browser=s.grant_id, now=NOW, bound_until=NOW + 600, expires_at=NOW + 1200
        ),
    ),
    "change_client": (
        (lambda s: s.store.put_client(client(s, 1), expected_revision=None),),
        lambda s: s.store.change_client(client(s, 2), read=client(s, 1)),
    ),
    "use_initial_token": (
        (lambda s: put_initial_token(s, uses=1),),
        lambda s: s.store.use_initial_token(s.grant_id, now=NOW, epoch=0),
    ),
    "put_document, new": ((), lambda s: s.store.put_document(document(s, 1), read=None)),
    "put_document, changed": (
        (lambda s: s.store.put_document(document(s, 1), read=None),),
        lambda s: s.store.put_document(document(s, 2), read=document(s, 1)),
    ),
    "extend_client, of a document": (
        (lambda s: s.store.put_document(document(s, 1), read=None),),
        lambda s: s.store.extend_client(document(s, 1), expires_at=NOW + 1),
    ),
    "put_subject": (
        (),
        lambda s: s.store.put_subject(Subject(sub=s.grant_id, session_salt=b"x" * 16, created_at=NOW)),
    ),
    "put_user_key": ((), lambda s: s.store.put_user_key(s.grant_id, b"sealed")),
    "put_client, new": ((), lambda s: s.store.put_client(client(s, 1), expected_revision=None)),
    "put_client, changed": (
        (lambda s: s.store.put_client(client(s, 1), expected_revision=None),),
        lambda s: s.store.put_client(client(s, 2), expected_revision=1),
    ),
}
AGAIN = (  # no harm when it happens twice
    "revoke_grant",
    "pause_grant",
    "withhold_token",
    "revoke_connection",
    "extend_client",
    "extend_client, of a document",
    "note_poll, too early",
    "open_stored_request",
)
ONCE = [name for name in WRITES if name not in AGAIN]


def prepared(transport: Transport, verb: str) -> tuple[Story, Verb]:
    """A story in which the write comes next."""
    before, write = WRITES[verb]
    story = Story(make_store(transport))
    for step in before:
        assert isinstance(step(story), Written)
    return story, write


def behind(story: Story, transport: Transport, *faults: Fault) -> tuple[Story, FaultyTransport]:
    """The same story through a transport with faults."""
    faulty = FaultyTransport(transport, *faults)
    other = Story(make_store(faulty), grant_id=story.grant_id, client_id=story.client_id)
    return other, faulty


@requirement("F03", "CODE-05")
@pytest.mark.parametrize("mode", ["A", "B", "T"])
@pytest.mark.parametrize("verb", WRITES)
def test_one_lost_answer_or_refused_try_is_repeated_and_known_as_ours(
    transport: Transport, verb: str, mode: Mode
) -> None:
    story, write = prepared(transport, verb)
    other, faulty = behind(story, transport, Fault(mode=mode))
    assert isinstance(write(other), Written)
    assert len(faulty.calls) == 2


@requirement("F03", "GEN-13")
@pytest.mark.parametrize("verb", ONCE)
def test_when_every_answer_is_lost_the_outcome_is_unknown_and_a_new_request_is_refused(
    transport: Transport, verb: str
) -> None:
    story, write = prepared(transport, verb)
    other, _ = behind(story, transport, Fault(mode="A", times=3))
    with pytest.raises(StoreUnavailable):
        write(other)
    assert isinstance(write(story), Refused)


@requirement("F02", "GEN-13")
@pytest.mark.parametrize("mode", ["B", "T"])
@pytest.mark.parametrize("verb", WRITES)
def test_when_no_try_arrives_nothing_has_changed(transport: Transport, verb: str, mode: Mode) -> None:
    story, write = prepared(transport, verb)
    other, faulty = behind(story, transport, Fault(mode=mode, times=3))
    with pytest.raises(StoreUnavailable):
        write(other)
    assert len(faulty.calls) == 3
    assert isinstance(write(story), Written)


@requirement("F02")
@pytest.mark.parametrize("verb", ONCE)
@pytest.mark.parametrize(("mode", "outcome"), [("K", Written), ("C", Refused)])
def test_a_process_that_dies_leaves_the_old_or_the_new(
    transport: Transport, verb: str, mode: Mode, outcome: type[object]
) -> None:
    story, write = prepared(transport, verb)
    other, _ = behind(story, transport, Fault(mode=mode))
    with pytest.raises(ProcessDied):
        write(other)
    assert isinstance(write(story), outcome)


@requirement("F03", "CODE-04")
def test_a_repeat_does_not_take_a_rivals_write_for_its_own(transport: Transport) -> None:
    story, write = prepared(transport, "redeem_code")

    def rival() -> None:
        assert isinstance(write(story), Written)

    faulty = FaultyTransport(transport, Fault(mode="D"), on_delay=rival)
    other = Story(make_store(faulty), grant_id=story.grant_id)
    assert isinstance(write(other), Refused)


@requirement("F03", "PAR-02")
def test_a_try_that_arrives_late_frees_no_request_from_the_browser_that_opened_it(transport: Transport) -> None:
    story = Story(make_store(transport))
    asked: dict[str, Any] = {"client_id": CLIENT, "now": NOW, "bound_until": NOW + 600, "expires_at": NOW + 1200}

    def repeat_and_open() -> None:
        put_request(story)
        assert isinstance(story.store.open_stored_request(story.grant_id, browser="one", **asked), Written)

    faulty = FaultyTransport(transport, Fault(mode="D"), on_delay=repeat_and_open)
    put_request(Story(make_store(faulty), grant_id=story.grant_id))
    assert isinstance(story.store.open_stored_request(story.grant_id, browser="other", **asked), Refused)
    assert isinstance(story.store.open_stored_request(story.grant_id, browser="one", **asked), Written)


@requirement("GEN-13")
def test_an_unprocessed_key_is_an_error_and_never_an_absence(transport: Transport) -> None:
    class Unprocessed:
        def call(self, operation: str, payload: Any) -> dict[str, Any]:
            return {"Responses": {}, "UnprocessedKeys": {"broker": {"Keys": payload["RequestItems"]["broker"]["Keys"]}}}

    with pytest.raises(StoreUnavailable):
        Story(make_store(Unprocessed())).found()


@requirement("GEN-15")
def test_a_stale_read_cannot_be_produced(transport: Transport) -> None:
    story, _ = prepared(transport, "issue_grant")
    other, _ = behind(story, transport, Fault(mode="S", times=100))
    assert other.found() is not None
    story.issue()
    assert (other.found() or pytest.fail("gone")).status == "issued"


@requirement("CONS-01")
def test_consent_is_written_only_over_the_version_that_was_read(transport: Transport) -> None:
    story, write = prepared(transport, "put_consent, changed")
    assert isinstance(write(story), Written)
    assert isinstance(write(story), Refused)
    assert isinstance(story.store.put_consent(consent(story, 1), expected_version=0), Refused)


@requirement("CB-09")
def test_an_older_sign_in_never_overwrites_a_newer_ones_tokens(transport: Transport) -> None:
    story, write = prepared(transport, "put_connection, again")
    assert isinstance(write(story), Written)
    late = story.store.put_connection(replace(connection(story, 2), connected_by="late"))
    assert isinstance(late, Refused)
    assert late.found is not None
    assert late.found.connected_by != "late"


@requirement("CB-09", "REV-03")
@pytest.mark.parametrize(("decided_at", "outcome"), [(NOW - 1, Refused), (NOW, Refused), (NOW + 1, Written)])
def test_a_sign_in_decided_before_a_revocation_does_not_undo_it(
    transport: Transport, decided_at: int, outcome: type[object]
) -> None:
    story, write = prepared(transport, "revoke_connection")
    assert isinstance(write(story), Written)
    late = replace(connection(story, 2), connected_at=decided_at)
    assert isinstance(story.store.put_connection(late), outcome)


@requirement("REG-01", "F03")
@pytest.mark.parametrize("mode", ["A", "B", "T"])
def test_a_lost_answer_uses_up_one_registration_and_not_two(transport: Transport, mode: Mode) -> None:
    story = Story(make_store(transport))
    put_initial_token(story, uses=3)
    other, _ = behind(story, transport, Fault(mode=mode))
    counted = other.store.use_initial_token(story.grant_id, now=NOW, epoch=0)
    assert isinstance(counted, Written) and counted.item.used == 1
    assert [type(story.store.use_initial_token(story.grant_id, now=NOW, epoch=0)) for _ in range(3)] == [
        *(Written, Written, Refused)
    ]


@requirement("REG-01")
@pytest.mark.parametrize(("now", "epoch"), [(NOW + 60, 0), (NOW, 1)])
def test_a_registration_token_of_another_time_or_epoch_makes_nothing(
    transport: Transport, now: int, epoch: int
) -> None:
    story = Story(make_store(transport))
    put_initial_token(story, uses=0)
    assert isinstance(story.store.use_initial_token(story.grant_id, now=now, epoch=epoch), Refused)
    assert isinstance(story.store.use_initial_token(story.grant_id, now=NOW + 59, epoch=0), Written)


@requirement("REG-05", "OPS-02")
def test_changing_a_client_leaves_the_marks_and_the_end_that_others_have_set_meanwhile(transport: Transport) -> None:
    story = Story(make_store(transport))
    read = client(story, 1)
    story.store.put_client(read, expected_revision=None)
    story.store._put(
        client_item_key(read.client_id),
        replace(read, marks=Revocation(disabled=True), expires_at=NOW + 9),
        "revision = :r",
        {":r": 1},
    )
    changed = story.store.change_client(replace(read, client_name="other", revision=2), read=read)
    assert isinstance(changed, Written)
    assert (changed.item.marks.disabled, changed.item.expires_at, changed.item.client_name) == (True, NOW + 9, "other")
    for stale in (read, replace(read, revision=2, management=Management(present=b"x"))):
        assert isinstance(story.store.change_client(replace(read, client_name="again"), read=stale), Refused)


@requirement("REG-05")
def test_a_client_that_has_ended_itself_is_changed_no_more(transport: Transport) -> None:
    story = Story(make_store(transport))
    read = client(story, 1)
    story.store.put_client(read, expected_revision=None)
    ended = replace(read, deleted_at=NOW)
    assert isinstance(story.store.change_client(ended, read=read), Written)
    assert isinstance(story.store.change_client(replace(ended, client_name="again"), read=ended), Refused)


@requirement("CB-12")
def test_replaced_tokens_are_forgotten_only_while_nobody_else_has_written(transport: Transport) -> None:
    story, _ = prepared(transport, "put_connection, again")
    first = replace(connection(story, 2), outgoing=(b"old",))
    story.store.put_connection(first)
    assert isinstance(story.store.clear_outgoing(replace(first, connected_by="another")), Refused)
    assert isinstance(story.store.clear_outgoing(replace(first, token_generation=1)), Refused)
    cleared = story.store.clear_outgoing(first)
    assert isinstance(cleared, Written)
    assert cleared.item.outgoing == ()
