"""A job: work at a provider or an app that outlives its request."""

from typing import Literal

from msgspec import Struct

from chalicelib.records.sign_in import LogoutRecipient

JobKind = Literal["revoke", "open_attempt", "end", "return", "sign_out", "time_up", "erase", "voided"]


class Job(Struct, frozen=True, kw_only=True):
    """One job. It can run twice, because it is deleted only when its work is done.

    kind          revoke: revoke the encrypted tokens; open_attempt: revoke what a refresh brings that ran during the
                  revocation; end: finish a revocation whose request crashed after its tombstone; return: revoke the
                  tokens of a failed sign-in; sign_out: notify clients that a browser session has ended; time_up: end
                  one client's access for one user unless the user extended it; erase: erase a user who
                  requested it; voided: publish a revocation to the event bus, for the named client, provider or user,
                  or for everything
    job_id        identifies the work, so that the same job is written once
    sub           the user whose key decrypts `sealed`; a `return` has a key of its own, since its user may be unknown
    sealed        for `revoke`, `return`: tokens and their kinds, encrypted in this job's context
    generation    for `open_attempt`: the tombstone's; responses up to it are revoked. For `end`: the revoked line.
                  For `time_up`: the end that the user set
    attempt       for `open_attempt`: the open attempt
    settles       the tombstone is settled when this job is done
    claimed_until a runner has claimed the job until then; 0: none
    expires_at    for an erased user or a sign-out: when the job is given up and deleted; None: never
    sid           for `sign_out`: the session; "": all sessions of the user
    told          for `sign_out`: the clients to notify
    client_id     for `time_up`, `voided`: the client
    issuer        for `voided`: the trusted issuer
    """

    kind: JobKind
    job_id: str
    due_at: int
    created_at: int
    provider_id: str = ""
    connection_id: str = ""
    sub: str = ""
    sealed: bytes = b""
    generation: int = 0
    attempt: int = 0
    settles: bool = False
    tries: int = 0
    claimed_until: int = 0
    expires_at: int | None = None
    sid: str = ""
    told: tuple[LogoutRecipient, ...] = ()
    client_id: str = ""
    issuer: str = ""
