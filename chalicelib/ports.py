"""The interfaces between the broker and its environment: one small Protocol per need. Adapters implement them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from chalicelib.pages.theme import Theme
from chalicelib.providers.catalog import Catalog
from chalicelib.records.audit import AuditEvent, Traces
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection, Ending, Recovery
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.initial_token import InitialToken
from chalicelib.records.item_keys import ItemKey
from chalicelib.records.job import Job
from chalicelib.records.keyset import Keyset, Purpose
from chalicelib.records.link import ConnectClaim
from chalicelib.records.reseal import Reseal
from chalicelib.records.seal import AuditSeal
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import JobKey, KeysetItem, StoredRequest, UsedOnce, UserKey
from chalicelib.records.subject import Subject
from chalicelib.records.sweep import Page, Sweep
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import HttpRequest, HttpResponse

T = TypeVar("T")


class StoreUnavailable(Exception):
    """The table or the key service did not respond, so nothing may be concluded (GEN-13)."""


class ItemUnreadable(StoreUnavailable):
    """An item exists but cannot be decoded: it was altered, or a newer release wrote it."""


@dataclass(frozen=True)
class Written(Generic[T]):
    """The conditional write took effect, in this call or in an earlier try whose response was lost.

    item   as it is stored
    """

    item: T


@dataclass(frozen=True)
class Refused(Generic[T]):
    """The condition did not hold; `found` is the item as it was stored, or None if there is none."""

    found: T | None


class Items(Protocol):
    """The records of one batch read."""

    def get(self, place: ItemKey[T]) -> T | None:
        """The record of an item key that was read; None if there is no such item."""


class Redemption(Struct, frozen=True, kw_only=True):
    """Redemption of an authorization code or device code, with every binding.

    code_challenge  None for a device code, which has none
    redirect_hash   None if the request has no redirect_uri (OAuth 2.1 section 4.1.3: PKCE binds)
    resource        requested audience other than the issuer; None otherwise
    jkt             thumbprint of the proof's key; None: there is no proof
    binds           bind the later refresh tokens to that key
    successor_*     what the grant stores afterwards
    """

    grant_id: str
    client_id: str
    secret_hash: bytes
    code_challenge: str | None
    redirect_hash: str | None
    resource: str | None
    successor_hash: bytes
    successor_salt: bytes
    key_version: int
    epoch: int
    now: int
    jkt: str | None = None
    binds: bool = False


class Advance(Struct, frozen=True, kw_only=True):
    """Use of a refresh token, with every binding.

    scopes   requested scopes, all of which must be in the grant; empty: all of the grant's
    resource, registered   as in RefreshRequest
    jkt      thumbprint of the proof's key; None: there is no proof
    binds    bind the later refresh tokens to that key, unless they are bound
    rotates  a successor replaces the token; otherwise the token stays valid
    """

    grant_id: str
    client_id: str
    generation: int
    secret_hash: bytes
    scopes: frozenset[str]
    resource: str | None
    key_version: int
    epoch: int
    now: int
    registered: frozenset[str] | None = None
    jkt: str | None = None
    binds: bool = False
    rotates: bool = True


class Widening(Struct, frozen=True, kw_only=True):
    """What a connect adds to the one grant that requested it, with every binding.

    scopes          with the provider's prefix; may be empty
    connection_id   of this provider, if the grant has no connection there yet
    """

    grant_id: str
    sub: str
    client_id: str
    scopes: frozenset[str]
    provider_id: str
    connection_id: str
    epoch: int
    now: int


class DeviceDecision(Struct, frozen=True, kw_only=True):
    """What one browser decided about a device's request, with every binding.

    round      of the request that the browser showed
    decision   SHA-256 of the secret in that browser, 32 bytes
    """

    grant_id: str
    client_id: str
    round: int
    decision: bytes
    decided_at: int
    now: int


class DevicePoll(Struct, frozen=True, kw_only=True):
    """A device's question whether its user has decided, with every binding."""

    grant_id: str
    client_id: str
    secret_hash: bytes
    epoch: int
    now: int


class Store(Protocol):
    """The two tables. Each method is one conditional write or one batch read; all raise StoreUnavailable."""

    def read(self, *item_keys: ItemKey[Any]) -> Items:
        """Strongly consistent batch read over both tables; an unprocessed key is an error, never an absence."""

    def claim_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Insert if absent: of any number of callbacks with one grant id, exactly one is Written."""

    def issue_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued, with everything that the user allowed."""

    def claim_device(self, decided: DeviceDecision, *, until: int) -> Written[Grant] | Refused[Grant]:
        """device_pending -> exchanging: of any number of browsers with one user code, exactly one is Written."""

    def reopen_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """exchanging -> device_pending, by the browser that claimed it: the user decides again about the provider's
        scopes."""

    def issue_device(self, grant: Grant, decided: DeviceDecision, *, claimed: bool) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued by the browser that claimed it, or device_pending -> issued if no claim was needed."""

    def deny_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """device_pending -> device_denied."""

    def note_poll(self, poll: DevicePoll, *, early_by: int) -> Written[Grant] | Refused[Grant]:
        """Begin the next interval of a waiting device.

        early_by   seconds to add to the interval because this poll came too early; 0: it came in time, and is refused
                   if another poll came meanwhile
        """

    def redeem_code(self, redemption: Redemption) -> Written[Grant] | Refused[Grant]:
        """issued(0) -> active(1), with every binding in the condition."""

    def advance_grant(self, advance: Advance) -> Written[Grant] | Refused[Grant]:
        """active(n) -> active(n + 1), with every binding in the condition."""

    def revoke_grant(
        self, grant_id: str, *, client_id: str, secret_hash: bytes | None = None
    ) -> Written[Grant] | Refused[Grant]:
        """any -> revoked, if the grant is that client's; a tombstone stays until the absolute expiry.

        secret_hash   of the handle that the request presents; None if the broker itself revokes
        """

    def pause_grant(self, grant_id: str, *, sub: str, paused: bool) -> Written[Grant] | Refused[Grant]:
        """Pause the grant's refresh tokens or resume them, if the grant is that user's and has not ended."""

    def withhold_token(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Record that a pause kept the grant's present generation from its client."""

    def deliver_withheld(self, grant: Grant, *, key_version: int, now: int) -> Written[Grant] | Refused[Grant]:
        """Deliver a withheld token once; its grace period begins."""

    def widen_grant(self, widening: Widening) -> Written[Grant] | Refused[Grant]:
        """Add to an active grant of that user and client; removes and replaces nothing."""

    def claim_connect(self, claim_id: str, *, purge_at: int) -> Written[ConnectClaim] | Refused[ConnectClaim]:
        """Insert if absent: of any number of callbacks of one link, exactly one is Written."""

    def put_consent(self, consent: Consent, *, expected_version: int) -> Written[Consent] | Refused[Consent]:
        """Write the consent if its version is still the one that was read; 0 means absent."""

    def put_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Write a sign-in's tokens if the item is absent, or one token generation below and without a refresh attempt
        since it was read. Ignores the lease. Replaces a tombstone only with a later decision."""

    def clear_outgoing(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Delete the replaced refresh tokens after their revocation, if the connection is unchanged."""

    def lease_connection(
        self, connection: Connection, *, owner: str, doubt: bool, now: int, until: int
    ) -> Written[Connection] | Refused[Connection]:
        """Take the lease for the request to the provider, if generation and attempt are unchanged and no lease is
        active.

        doubt   the refresh token may have been used before
        """

    def put_recovery(
        self, recovery: Recovery, *, replacing: Recovery | None = None
    ) -> Written[Recovery] | Refused[Recovery]:
        """Store a provider's response if there is none, or only an older one of the same line.

        replacing   the one that is replaced, if it is unchanged
        """

    def empty_recovery(self, recovery: Recovery) -> Written[Recovery] | Refused[Recovery]:
        """Delete a response whose tokens were revoked at the provider, if it is unchanged."""

    def commit_refresh(
        self, connection: Connection, *, owner: str, attempt: int, keeps_lost: bool
    ) -> Written[Connection] | Refused[Connection]:
        """Write the next generation, if the connection has the preceding one, is not revoked, and no newer attempt has
        begun.

        owner     of the lease; "" for a caller that finishes from the recovery item
        attempt   as the caller has read it
        keeps_lost   the tokens of a lost response may still be valid, and the item continues to say so
        """

    def record_refresh_failure(
        self, connection: Connection, *, owner: str
    ) -> Written[Connection] | Refused[Connection]:
        """End an attempt without tokens, if the generation is unchanged and this owner still has the lease."""

    def revoke_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """any -> revoked, if no sign-in has come since it was read; the tombstone retains its encrypted tokens."""

    def record_endings(
        self, connection: Connection, endings: Mapping[str, Ending], *, settled_at: int = 0
    ) -> Written[Connection] | Refused[Connection]:
        """Record the outcome for a tombstone's tokens, if it is unchanged since it was read.

        settled_at   when all calls of its revocation had ended; 0: more calls follow
        """

    def note_idle(self, connection: Connection, *, since: int) -> Written[Connection] | Refused[Connection]:
        """Record since when no live grant uses it (0: one does), if no sign-in has come since it was read."""

    def list_subject(self, sub: str, kind: str) -> tuple[str, ...]:
        """Names of one subject's items of a kind (`CONNECTION`, `GRANT`). The list may lag, so read the items to
        decide."""

    def list_held(self, sub: str) -> tuple[str, ...]:
        """Keys of one subject's connections, consents and grants, each prefixed with its kind. The list may lag."""

    def put_job(self, job: Job) -> None:
        """Store a job; storing the same job twice is harmless."""

    def demand_sign_in(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """active, partial -> reauth_required, if no token has been written since it was read."""

    def put_subject(self, subject: Subject) -> Written[Subject] | Refused[Subject]:
        """Insert if absent."""

    def note_connections(self, subject: Subject, noted: Mapping[str, int]) -> Written[Subject] | Refused[Subject]:
        """Replace the list of new connections that was read, if the user is not disabled."""

    def forget_new_connections(self, sub: str) -> None:
        """Remove a user's list of new connections."""

    def set_logins(
        self, subject: Subject, logins: dict[str, str], *, salt: bytes
    ) -> Written[Subject] | Refused[Subject]:
        """Replace the user's linked logins, if they are unchanged since they were read.

        salt   a new value ends every browser session of this user
        """

    def put_user_key(self, sub: str, sealed: bytes) -> Written[bytes] | Refused[bytes]:
        """Insert if absent."""

    def erase_subject(self, subject: Subject, *, now: int) -> None:
        """Disable a user permanently. A later sign-in with the same login creates a new user."""

    def destroy_user_key(self, sub: str) -> None:
        """Destroy the key: all values under it become unreadable, and no new key is ever stored for this user."""

    def put_job_key(self, left: JobKey, *, now: int) -> Written[JobKey] | Refused[JobKey]:
        """Insert if absent or expired."""

    def reseal_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Replace the encrypted values of a tombstone, if it is unchanged since it was read."""

    def put_client(self, client: Client, *, expected_revision: int | None) -> Written[Client] | Refused[Client]:
        """Write a client if absent (None) or still of that revision."""

    def change_client(self, client: Client, *, read: Client) -> Written[Client] | Refused[Client]:
        """Write the fields that differ from `read`, if the revision and the management token are unchanged and the
        client has not deleted itself. Other changes since the read, above all revocations, stay."""

    def use_initial_token(
        self, token_hash: str, *, now: int, epoch: int
    ) -> Written[InitialToken] | Refused[InitialToken]:
        """Count one use if any is left: however many registrations run at once, no more than the limit are Written."""

    def extend_client(self, client: Client, *, expires_at: int) -> Written[Client] | Refused[Client]:
        """Move the expiry of an unused client, if it is unchanged since it was read."""

    def put_document(self, client: Client, *, read: Client | None) -> Written[Client] | Refused[Client]:
        """Write a client from its current document, if the client is absent (None) or unchanged since it was read,
        revocations included."""

    def put_revoked_token(self, jti: str, *, expires_at: int) -> None:
        """Record that an access token is revoked, until it expires."""

    def claim_once(self, mark: str, *, now: int, expires_at: int) -> Written[UsedOnce] | Refused[UsedOnce]:
        """Insert if absent or expired: of any number of uses of one value, exactly one is Written.

        mark         a hash over the kind of value, its owner and its `jti`
        expires_at   until when the value would be accepted again, clock skew included
        """

    def put_stored_request(self, request_id: str, stored: StoredRequest) -> None:
        """Store a request that the browser does not carry, under a fresh random id."""

    def open_stored_request(
        self, request_id: str, *, client_id: str, browser: str, now: int, bound_until: int, expires_at: int
    ) -> Written[StoredRequest] | Refused[StoredRequest]:
        """Bind a client's pushed request to the first browser that opens it; that browser may open it again.

        bound_until, expires_at   set by the first opening; opening it again changes neither
        """

    def append_audit(self, event: AuditEvent) -> None:
        """Append one record. If it raises, no token may be handed out."""

    def list_traces(self, sub: str, connection_id: str | None, *, since: int) -> Traces:
        """The records of one connection among a user's newest audit records: one query of a fixed size.

        connection_id   None: of all connections
        since           the earliest time that is considered
        """

    def list_events(self, sub: str, *, since: int, most: int) -> tuple[tuple[AuditEvent, ...], bool]:
        """A user's newest audit records, at most `most`, and whether these are all records since that time."""

    def count(self, key: str, *, amount: int, window_ends_at: int) -> int:
        """Add atomically to a counter of one window; returns the sum."""


class Registry(Protocol):
    """Records that may be up to 10 s old: clients, providers, resources, and the deployment's revocations."""

    def lookup(
        self, *item_keys: ItemKey[Any], fresh: bool = False, absence_of: frozenset[ItemKey[Any]] = frozenset()
    ) -> Items:
        """Read from the cache, otherwise with one batch read; `fresh` always reads.

        absence_of   item keys whose absence may come from the cache: it only leads to a refusal, and the caller reads
                     again before it refuses. Every other absence is read from the table
        """


class Keys(Protocol):
    """Decrypted keysets. A warm process makes no call."""

    def get(self, purpose: Purpose) -> Keyset:
        """Raises StoreUnavailable if the keys cannot be decrypted."""

    def public_jwks(self) -> tuple[dict[str, str], ...]:
        """Public halves of the published signing keys, active or retiring."""


class KeyRing(Protocol):
    """The keysets for key rotation; all methods raise StoreUnavailable. Requests have no access to it."""

    def read(self, *item_keys: ItemKey[Any]) -> Items:
        """As in Store."""

    def wrap(self, purpose: str, version: int, plain: bytes) -> bytes:
        """Encrypt a key with KMS for the table."""

    def swap(self, item: KeysetItem, *, read: KeysetItem) -> Written[KeysetItem] | Refused[KeysetItem]:
        """Compare and swap on the revision that was read."""

    def keep_copy(self, item: KeysetItem, *, gone: frozenset[int] = frozenset()) -> bool:
        """Copy a keyset to the keys table, which is never restored; False if the copy would lose more than `gone`."""

    def list_sealed(self, cursor: str, *, most: int) -> tuple[list[UserKey | JobKey], str]:
        """One page of the table of user keys and the cursor of the next page; "" after the last page."""

    def put_look(self, look: Reseal, *, read: Reseal | None) -> bool:
        """Compare and swap on the revision: the progress of the pass over all user keys."""

    def reseal(self, place: ItemKey[Any], sealed: bytes, *, read: bytes, field: str = "sealed") -> bool:
        """Compare and swap on the encrypted value; False if it was changed or erased meanwhile."""


class Fetcher(Protocol):
    """The only way for the broker to send requests to other hosts (FETCH-01)."""

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = 8.0, max_bytes: int = 262144) -> HttpResponse:
        """Raises ProviderUnavailable."""


class Directory(Protocol):
    """A provider's endpoints and keys, and a client's keys, cached."""

    def endpoints(self, definition: Any, issuer: str | None) -> Endpoints:
        """Raises ProviderUnavailable."""

    def jwks(self, definition: Any, endpoints: Endpoints, kid: str | None) -> dict[str, Any]:
        """Raises ProviderUnavailable."""

    def client_jwks(self, jwks_uri: str, kid: str | None) -> dict[str, Any]:
        """A client's published keys, fetched again if `kid` is not among them.

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """


class Clock(Protocol):
    """The one clock."""

    def now(self) -> int:
        """Whole epoch seconds."""


class Entropy(Protocol):
    """The operating system's generator."""

    def token_bytes(self, count: int) -> bytes:
        """Fresh random bytes."""


class Sleeper(Protocol):
    """The one way to wait."""

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""


class Deadline(Protocol):
    """The time that the function has left for this request."""

    def begin(self) -> None:
        """Start the time of a request, in this thread."""

    def left(self) -> float:
        """Seconds left."""


class Breaker(Protocol):
    """Stops requests to a provider that fails most of them."""

    def retry_at(self, provider_id: str, now: int) -> int:
        """When requests are allowed again, epoch seconds; 0 if they are allowed now."""

    def note(self, provider_id: str, *, worked: bool, now: int) -> None:
        """Record the outcome of one request."""


@dataclass(frozen=True)
class Allowed:
    """One more use is within the limit."""


@dataclass(frozen=True)
class OverLimit:
    """One more use exceeds the limit.

    retry_after   seconds to the end of the window
    first         this is the first refusal of the window in any process
    """

    retry_after: int
    first: bool


class Limiter(Protocol):
    """Limits the uses of something per window, over all processes."""

    def spend(self, name: str, *, limit: int, now: int, seconds: int = 60) -> Allowed | OverLimit:
        """Count one use. Raises StoreUnavailable."""


class Flights(Protocol):
    """Runs work that several threads request at the same time once."""

    def share(self, name: str, run: Callable[[], T]) -> T:
        """`run`, or the result or exception of the run that is under way with that name."""

    def waiting(self, name: str) -> int:
        """How many threads share the run that is under way."""


class JobQueue(Protocol):
    """The queue of jobs; all methods raise StoreUnavailable."""

    def list_due(self, now: int) -> tuple[Iterator[Job], ...]:
        """All due jobs, oldest first, for each kind."""

    def claim(self, job: Job, *, now: int, until: int) -> bool:
        """Take the lease of a job; False if another process has it, or the job is done."""

    def delete(self, job: Job) -> None:
        """Delete a finished job; deleting it twice is harmless."""

    def take_sweep(self, *, now: int, seconds: int) -> Sweep | None:
        """Take the lease of the sweep over all connections, with the cursor of the previous run. None if the sweep is
        not due, or another process has it."""

    def put_sweep(self, sweep: Sweep, *, read: Sweep) -> bool:
        """Record the progress of the sweep; False if another process has continued it meanwhile."""

    def list_connections(self, cursor: tuple[str, ...]) -> Page:
        """One page of the index, which may lag."""

    def last_seal(self) -> AuditSeal | None:
        """The newest link of the hash chain over the audit records. Raises SealBroken if it is not a valid link."""

    def digest_window(self, window: int, *, has_time: Callable[[], bool]) -> tuple[bytes, ...] | None:
        """SHA-256 of each audit record of a settled window. Continues where an earlier run stopped.

        has_time   called before each batch

        None: time ran out and the next run continues, or another process does the work. Raises StoreUnavailable.
        """

    def put_seal(self, seal: AuditSeal) -> bool:
        """Insert if absent; False if that window has been sealed."""


class Log(Protocol):
    """Structured lines, redacted in one place."""

    def event(self, name: str, **fields: object) -> None:
        """Write one line. `fields` must not contain a secret, and the redactor removes values that look like one."""

    def begin(self, **known: str) -> None:
        """Start a request in this thread; `known` is in each of its lines."""

    def count(self, metric: str) -> None:
        """Add one to a counter of this thread's request."""

    def conclude(self, name: str, *, status: int, **fields: object) -> None:
        """Write the final line of a request: result, duration and counters."""

    def summarize(self, name: str, **fields: object) -> None:
        """Write the result of scheduled work and its counters; nothing if all counters are zero."""


@dataclass(frozen=True)
class Broker:
    """Everything that an endpoint needs."""

    settings: Settings
    store: Store
    registry: Registry
    keys: Keys
    fetcher: Fetcher
    directory: Directory
    clock: Clock
    entropy: Entropy
    log: Log
    catalog: Catalog
    theme: Theme
    sleeper: Sleeper
    deadline: Deadline
    breaker: Breaker
    limiter: Limiter
    queue: JobQueue
    flights: Flights
