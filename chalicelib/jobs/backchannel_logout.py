"""Notifies apps that a browser session has ended (OpenID Connect Back-Channel Logout 1.0).

A sign-out stores one job for all apps. An app that could not be notified at once gets its own job. Each attempt signs a
new logout token, so an app that is notified twice receives two tokens for the same session.
"""

import hashlib
from urllib.parse import urlencode

import msgspec

from chalicelib.ports import Broker
from chalicelib.protocol.sealing import canonical
from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key, consenting_client_item_key, grant_item_key
from chalicelib.records.job import Job
from chalicelib.records.sign_in import LogoutRecipient
from chalicelib.token_issuer import issue_logout_token, pairwise_sid, subject_for
from chalicelib.upstream.http import HttpRequest, ProviderUnavailable

TELLING_SECONDS = 86400  # by then the app's session must have expired too
CALL_SECONDS = 3.0
MAX_ANSWER_BYTES = 65536
LEAST_SECONDS = 8  # the longest that one call can take; an app for which too little time is left gets its own job
TURN_SECONDS = 4.0  # after this time a job stops calling more apps, because other kinds of job are waiting
ONCE_SECONDS = 60  # one session is reported as ended at most once in this time
TAKEN = (200, 204)


def enqueue_logout(broker: Broker, sid: str, told: tuple[LogoutRecipient, ...]) -> None:
    """Store one job for all apps of a session that has just ended, with one write. If a browser sends the cookie of an
    ended session repeatedly, only one job per minute is stored. Nobody can make the broker call apps more often.

    sid   "" if the apps must end every session of the user
    """
    now = broker.clock.now()
    named = canonical("sign_out", sid, *sorted(one.client_id for one in told))
    broker.store.put_job(
        Job(
            kind="sign_out",
            job_id=hashlib.sha256(named).hexdigest()[:32] if sid else broker.entropy.token_bytes(16).hex(),
            due_at=now - now % ONCE_SECONDS if sid else now,
            created_at=now,
            sid=sid,
            told=told,
            expires_at=now + TELLING_SECONDS,
        )
    )


def enqueue_logout_everywhere(broker: Broker, sub: str) -> tuple[LogoutRecipient, ...]:
    """Store jobs for all apps of a user whose sessions have all ended; returns those apps.

    An app that requires session ids is notified of each session in which a grant began that still exists.
    """
    item_keys = [consenting_client_item_key(key) for key in broker.store.list_subject(sub, "CONSENT")]
    found = broker.store.read(*item_keys) if item_keys else None
    apps = [client for item_key in item_keys if found and (client := found.get(item_key))]
    told = tuple(_told(broker, client, sub) for client in apps if client.backchannel_logout_uri is not None)
    at_once = {client.client_id for client in apps if not client.backchannel_logout_session_required}
    if all_at_once := tuple(one for one in told if one.client_id in at_once):
        enqueue_logout(broker, "", all_at_once)
    for sid, one in _sessions(broker, sub, tuple(one for one in told if one.client_id not in at_once)):
        enqueue_logout(broker, sid, (one,))
    return told


def _sessions(broker: Broker, sub: str, told: tuple[LogoutRecipient, ...]) -> list[tuple[str, LogoutRecipient]]:
    """The sessions in which these apps' grants began, each once."""
    if not told:
        return []
    item_keys = [grant_item_key(name) for name in broker.store.list_subject(sub, "GRANT")]
    found = broker.store.read(*item_keys) if item_keys else None
    grants = [grant for item_key in item_keys if found and (grant := found.get(item_key)) and grant.sid]
    whose = {one.client_id: one for one in told}
    return [(sid, whose[name]) for name, sid in sorted({(one.client_id, one.sid) for one in grants}) if name in whose]


def _told(broker: Broker, client: Client, sub: str) -> LogoutRecipient:
    return LogoutRecipient(client.client_id, subject_for(broker, client, sub))


def notify_clients(broker: Broker, job: Job) -> bool:
    """Notify the app of this job, or each of several; False if the single app did not confirm."""
    if len(job.told) == 1:
        return _tell(broker, job, job.told[0])
    least = max(LEAST_SECONDS, broker.deadline.left() - TURN_SECONDS)
    for told in job.told:
        if broker.deadline.left() < least or not _tell(broker, job, told):
            job_id = f"{job.job_id}-{told.client_id}"
            broker.store.put_job(msgspec.structs.replace(job, job_id=job_id, told=(told,), claimed_until=0))
    return True


def _tell(broker: Broker, job: Job, told: LogoutRecipient) -> bool:
    """True if the app confirmed, or no longer exists or no longer has a logout URI."""
    item_key = client_item_key(told.client_id)
    client = broker.store.read(item_key).get(item_key)
    if client is None or client.is_over(broker.clock.now()) or client.backchannel_logout_uri is None:
        return True
    return _post(broker, client, client.backchannel_logout_uri, job.sid, told.sub)


def _post(broker: Broker, client: Client, uri: str, sid: str, sub: str) -> bool:
    shown = pairwise_sid(broker, sid, sub if client.subject_type == "pairwise" else "")
    token = issue_logout_token(broker, client.client_id, sub=sub, sid=shown, now=broker.clock.now())
    request = HttpRequest(
        method="POST",
        url=uri,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=urlencode({"logout_token": token}).encode(),
    )
    try:
        status = broker.fetcher.fetch(request, timeout_seconds=CALL_SECONDS, max_bytes=MAX_ANSWER_BYTES).status
    except ProviderUnavailable as error:
        broker.log.event("sign_out_not_taken", client_id=client.client_id, reason=error.reason)
        return False
    if status not in TAKEN:
        broker.log.event("sign_out_not_taken", client_id=client.client_id, reason=f"status_{status}")
        return False
    broker.log.event("sign_out_told", client_id=client.client_id)
    return True
