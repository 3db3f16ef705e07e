"""The outcome of a job at a provider, and how it is recorded in the tombstone.

A token of a tombstone is called revoked only if a call confirmed it. Without a call, a job can only report `Unended`.
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

    found     for an open attempt: whether the response of that refresh was stored
    called    results of the revocation calls
    unended   the result if no call was made; overrides `called`
    """

    done: bool
    found: bool = False
    called: Called | None = None
    unended: Unended | None = None

    def ending_of(self, part: str) -> Ending | None:
        """The result for one part of the tombstone. An access token that no call names ends with its refresh token.
        None: the response of the refresh contained no token."""
        if self.unended is not None:
            return self.unended
        ended = merge_endings(self.called.rows) if self.called else {}
        return ended.get(part) or worst_result(ended)


def end_open_attempt(
    broker: Broker, job: Job, provider: Provider, tombstone: Connection, *, recovery: Recovery | None, key: OwnKey
) -> JobOutcome:
    """Revoke the tokens of a refresh that was under way when the connection was revoked. A response that cannot be read
    yet stays, and the job is retried."""
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
    """Record the results that are still open, and only in the tombstone that the job is about.

    A later decision may replace that tombstone now, even if the job was given up, because it will not run again.
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
