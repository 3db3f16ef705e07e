"""A duty that outlives its request: something that must still be done at a provider or an app."""

from typing import Literal

from msgspec import Struct

from chalicelib.records.sign_in import LogoutRecipient

JobKind = Literal["revoke", "open_attempt", "end", "return", "sign_out", "time_up", "erase", "voided"]


class Job(Struct, frozen=True, kw_only=True):
    """One duty. It may be done twice: it is deleted only when its work is done.

    kind          revoke: end the sealed tokens; open_attempt: end what a refresh brings that ran while it was revoked;
                  end: finish a revocation whose request died after its tombstone; return: end the sealed tokens of a
                  sign-in that nothing came of; sign_out: tell apps that a browser session has ended;
                  time_up: end all that one app may do for one user, if its time is up still;
                  erase: erase a user who has asked for it; voided: tell the event bus of a mark that an operator set,
                  on the client, the provider or the user that it names, or on everything
    job_id        says which duty it is, so that the same one is written once
    sub           whose key opens what is sealed; of a `return` its own name, since its user may never have been here
    sealed        for `revoke`, `return`: tokens and their kinds, under that key for this job's place
    generation    for `open_attempt`: the tombstone's; answers of it and before are ended. For `end`: the line ended.
                  For `time_up`: the time that the user has set
    attempt       for `open_attempt`: the attempt that was open
    settles       the tombstone is settled when this is done
    claimed_until who does it has it until then; 0: nobody
    expires_at    of an erased user, or of a sign-out: what is left is given up and forgotten then; None: it has no end
                  of its own
    sid           for `sign_out`: the session; "": all of the user's
    told          for `sign_out`: the apps
    client_id     for `time_up`, `voided`: the app
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
