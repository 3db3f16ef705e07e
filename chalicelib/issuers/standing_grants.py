"""Begins a standing grant, or begins it again: subject, consent and grant, in this order, each by one write.

A crash in between leaves a user or a consent without access. The next exchange writes what is missing.
"""

from msgspec.structs import replace

from chalicelib.contention import write_tries
from chalicelib.grant_scopes import consented_scopes
from chalicelib.issuers.users import IssuerUser
from chalicelib.issuers.verification import VerifiedIssuerToken
from chalicelib.ports import Broker, OverLimit, Refused
from chalicelib.protocol.errors import InvalidToken, TemporarilyUnavailable, TooManyRequests
from chalicelib.protocol.grant_binding import bind_grant
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import consent_item_key, grant_item_key
from chalicelib.records.subject import Subject
from chalicelib.revocation_marks import cutoff_of, find_revocation_among
from chalicelib.token_issuer import is_as_issued, subject_for

DAY = 86400
KEPT = 3600
NEW_USERS_PER_MINUTE = 600


def find_standing_grant(broker: Broker, user: IssuerUser, now: int) -> Grant | None:
    """The user's standing grant, if it still counts. Its idle end moves, at most once in half of the idle time."""
    grant = user.found.get(grant_item_key(user.grant_id))
    if grant is None or not counts(broker, user, grant, now) or not is_as_issued(broker, grant):
        return None
    idle = broker.settings.connection_unused_days * DAY
    later = min(now + idle, grant.ends_at)
    if grant.expires_at - now > idle // 2 or later <= grant.expires_at:
        return grant
    moved = broker.store.move_idle_end(grant, expires_at=later)
    return None if isinstance(moved, Refused) else moved.item


def counts(broker: Broker, user: IssuerUser, grant: Grant, now: int) -> bool:
    """True if no revocation, end or restore from a backup has voided the grant."""
    if grant.is_over(now) or grant.epoch != broker.settings.epoch:
        return False
    return find_revocation_among(user.found, user.parties, grant.decided_at, now=now, first_time=True) is None


def begin_standing_grant(
    broker: Broker, verified: VerifiedIssuerToken, user: IssuerUser, client: Client, now: int
) -> tuple[Grant, Consent]:
    """Begin the grant that this token stands for.

    Raises InvalidToken if a revocation was set meanwhile; TooManyRequests, TemporarilyUnavailable.
    """
    if user.subject is None:
        _store_subject(broker, verified, user, now)
    consent = _vouch(broker, verified, user, client, now)
    read = user.found.get(grant_item_key(user.grant_id))
    grant = _build(broker, verified, user, client, consent, now=now)
    written = broker.store.begin_standing_grant(grant, replacing=read)
    if not isinstance(written, Refused):
        broker.log.event("grant_begun", grant_id=grant.grant_id, client_id=client.client_id, sub=user.sub)
        return written.item, consent
    other = written.found  # another exchange of the same user was faster
    if other is None or not counts(broker, user, other, now) or not is_as_issued(broker, other):
        raise TemporarilyUnavailable("grant_keeps_changing", retry_after=1)
    return other, consent


def _build(
    broker: Broker, verified: VerifiedIssuerToken, user: IssuerUser, client: Client, consent: Consent, *, now: int
) -> Grant:
    """The next version of the grant. It counts from now, or from the latest cutoff if that lies ahead (STD-22)."""
    read = user.found.get(grant_item_key(user.grant_id))
    settings, kind = broker.settings, verified.rule.kind
    own = verified.issuer.scopes_for(kind, client.client_id) - consent.withheld
    allowed = consented_scopes(broker, consent, client, user.found, user.parties)
    ends_at, shown = now + settings.refresh_end_seconds, subject_for(broker, client, user.sub)
    grant = Grant(
        grant_id=user.grant_id,
        status="active",
        client_id=client.client_id,
        decided_at=max(now, cutoff_of(user.found, user.parties)),
        expires_at=min(now + settings.connection_unused_days * DAY, ends_at),
        ends_at=ends_at,
        purge_at=ends_at + KEPT,
        written_by="",
        sub=user.sub,
        shown_sub=shown if shown != user.sub else "",
        provider_id=user.parties.provider_id,
        scopes=(own | allowed) & client.scopes,
        resources=tuple(sorted(verified.issuer.resources_for(kind, client.client_id) & client.resources)),
        connections=consent.default_connections if allowed else {},
        epoch=settings.epoch,
        origin=verified.origin,
        path=kind,
        version=read.version + 1 if read else 0,
    )
    return replace(grant, binding=bind_grant(grant, broker.keys.get("handle")))


def _vouch(broker: Broker, verified: VerifiedIssuerToken, user: IssuerUser, client: Client, now: int) -> Consent:
    """The user's consent with the own scopes that this token opens; what the user removed stays removed (STD-18)."""
    item_key = consent_item_key(user.sub, client.client_id)
    read = user.found.get(item_key)
    opened = verified.issuer.scopes_for(verified.rule.kind, client.client_id) & client.scopes
    at = max(now, cutoff_of(user.found, user.parties))
    for _ in write_tries(broker):
        base = _start_from(broker, read, user, client, at)
        added = replace(base, vouched=base.vouched | (opened - base.withheld), vouched_at=max(base.vouched_at, at))
        if read is not None and added == read:
            return read
        added = replace(added, version=base.version + 1)
        if not isinstance(broker.store.put_consent(added, expected_version=base.version), Refused):
            return added
        read = broker.store.read(item_key).get(item_key)
        if read is not None and (read.paused_at or read.void(verified.counts_from, now)):
            raise InvalidToken("removed_meanwhile")
    raise TemporarilyUnavailable("consent_keeps_changing")


def _start_from(broker: Broker, read: Consent | None, user: IssuerUser, client: Client, at: int) -> Consent:
    """The consent to add to. One from before a restore from a backup gives only its limits."""
    revision, epoch = client.revision, broker.settings.epoch
    if read is None:
        return Consent(sub=user.sub, client_id=client.client_id, client_revision=revision, epoch=epoch)
    if read.epoch == epoch:
        return read
    return replace(read.limits_at(at), version=read.version, client_revision=revision, epoch=epoch)


def _store_subject(broker: Broker, verified: VerifiedIssuerToken, user: IssuerUser, now: int) -> None:
    """The record of a user who was never here. One client cannot fill the table with them (STD-23)."""
    name = f"new-users#{verified.client_id}"
    outcome = broker.limiter.spend(name, limit=NEW_USERS_PER_MINUTE, now=now)
    if isinstance(outcome, OverLimit):
        raise TooManyRequests("too_many_new_users", retry_after=outcome.retry_after)
    fresh = Subject(
        sub=user.sub,
        session_salt=broker.entropy.token_bytes(16),
        created_at=now,
        login=user.login if user.life else "",
        life=user.life,
    )
    written = broker.store.put_subject(fresh)
    if isinstance(written, Refused) and (written.found is None or written.found.linked_to):
        raise TemporarilyUnavailable("login_linked_meanwhile", retry_after=1)
