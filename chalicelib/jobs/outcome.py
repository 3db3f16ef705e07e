"""What came of a job at a provider, and what a tombstone says of it from then on.

A part of a tombstone is called revoked only by what a call came to; all that a job may say of its own is `Unended`.
"""

from msgspec import Struct

from chalicelib.encryption import OwnKey
from chalicelib.ports import Broker
from chalicelib.provider_client import Provider
from chalicelib.records.connection import Connection, Ending, Recovery, Unended
from chalicelib.records.item_keys import connection_item_key
from chalicelib.records.job import Job
from chalicelib.vault.journal_tokens import tokens_of_response
from chalicelib.vault.outbox import Called, ask_for_each
from chalicelib.vault.revocation import abandon_revocation
from chalicelib.vault.rules.revocation_results import merge_endings, worst_result

OF_NO_TOMBSTONE = frozenset({"return", "sign_out", "time_up", "erase", "voided"})


class JobOutcome(Struct, frozen=True, kw_only=True):
    """How far a job came.

    found     for an open attempt: whether the answer that was waited for had come
    called    what the calls came to
    unended   what is so where no call was made; it goes before what calls came to
    """

    done: bool
    found: bool = False
    called: Called | None = None
    unended: Unended | None = None

    def ending_of(self, part: str) -> Ending | None:
        """Of one part of the tombstone; an access token that no call names ends with its refresh token. None: the
        answer that was waited for brought no token."""
        if self.unended is not None:
            return self.unended
        ended = merge_endings(self.called.rows) if self.called else {}
        return ended.get(part) or worst_result(ended)


def end_open_attempt(
    broker: Broker, job: Job, provider: Provider, tombstone: Connection, *, recovery: Recovery | None, key: OwnKey
) -> JobOutcome:
    """End what a refresh brought that ran while the connection was revoked. What cannot be read yet stays, and the job
    comes again."""
    if recovery is None or not 0 <= recovery.generation <= job.generation:
        return JobOutcome(done=True, unended="lost")
    came = (recovery.generation, recovery.attempt) == (job.generation, job.attempt)
    tokens = tokens_of_response(broker, provider.definition, recovery, tombstone, key)
    if tokens is None:
        return JobOutcome(done=False, found=came, unended="lost")
    called = ask_for_each(broker, provider, tokens)
    if called.alive:
        return JobOutcome(done=False, found=came)
    broker.store.empty_recovery(recovery)
    return JobOutcome(done=True, found=came, called=called) if came else JobOutcome(done=True, unended="lost")


def record_outcome(broker: Broker, job: Job, done: JobOutcome) -> None:
    """Only what is still open changes, and only on the tombstone that the job is about.

    A later decision may replace that tombstone now: also where the call was given up, for it is never made again.
    """
    said_nothing = done.called is None and done.unended is None
    if said_nothing or job.kind in OF_NO_TOMBSTONE or (job.kind == "revoke" and not job.settles):
        return
    item_key = connection_item_key(job.connection_id)
    tombstone = broker.store.read(item_key).get(item_key)
    if tombstone is None:
        return
    if job.kind == "end":
        if tombstone.line == job.generation and not tombstone.endings:
            abandon_revocation(broker, tombstone)
        return
    if tombstone.token_generation != job.generation:
        return
    waits: Ending = "pending" if job.kind == "open_attempt" else "failed"
    said = {part: done.ending_of(part) if was == waits else was for part, was in tombstone.endings.items()}
    endings = {part: ending for part, ending in said.items() if ending is not None}
    settled_at = broker.clock.now() if job.settles else tombstone.settled_at
    broker.store.record_endings(tombstone, endings or dict.fromkeys(said, "lost"), settled_at=settled_at)
