"""What the broker asks of the world: one small Protocol per need. Adapters implement them; endpoints use them."""

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
    """The table or the key service did not answer; nothing may be concluded (GEN-13)."""


class ItemUnreadable(StoreUnavailable):
    """An item is there and is no record of ours: somebody altered it, or a release wrote it that is too new."""


@dataclass(frozen=True)
class Written(Generic[T]):
    """The conditional write took effect, now or when its lost answer was written; `item` is what stands there."""

    item: T


@dataclass(frozen=True)
class Refused(Generic[T]):
    """The condition did not hold; `found` is the item as it stood, None where there is none."""

    found: T | None


class Items(Protocol):
    """What one batch read brought."""

    def get(self, place: ItemKey[T]) -> T | None:
        """The record of a place that was asked for; None where nothing stands there."""


class Redemption(Struct, frozen=True, kw_only=True):
    """What presents an authorization code, or a device code, every binding of it.

    code_challenge  None for a device code, which has none
    redirect_hash   None where the request named no redirect_uri (OAuth 2.1 section 4.1.3: PKCE binds)
    resource        audience asked beside our issuer; None otherwise
    jkt             key of the proof that came with it; None: there was none
    binds           the refresh tokens that follow are bound to that key
    successor_*     what the grant holds afterwards
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
    """What presents a refresh token, every binding of it.

    scopes   asked scopes, each of which the grant must hold; empty: all of the grant's
    resource, registered   as in RefreshRequest
    jkt      key of the proof that came with it; None: there was none
    binds    the refresh tokens that follow are bound to that key, if they are to none yet
    rotates  a successor takes its place; else it stays the one that is good
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
    """What a connect adds to the one grant that asked, every binding of it.

    scopes          with the provider's prefix; may be empty
    connection_id   of this provider, where the grant has none there yet
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
    """What one browser decided about a device's request, every binding of it.

    round      of the request that the browser was shown
    decision   SHA-256 of what that browser holds, 32 bytes
    """

    grant_id: str
    client_id: str
    round: int
    decision: bytes
    decided_at: int
    now: int


class DevicePoll(Struct, frozen=True, kw_only=True):
    """A device that asks whether its user has decided, every binding of it."""

    grant_id: str
    client_id: str
    secret_hash: bytes
    epoch: int
    now: int


class Store(Protocol):
    """The two tables. Each verb is one conditional write, or one batch read; all raise StoreUnavailable."""

    def read(self, *places: ItemKey[Any]) -> Items:
        """Strongly consistent batch read over both tables; an unprocessed key is an error, never an absence."""

    def claim_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Insert if absent: of any number of callbacks with one grant id exactly one is Written."""

    def issue_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued, with all that was allowed."""

    def claim_device(self, decided: DeviceDecision, *, until: int) -> Written[Grant] | Refused[Grant]:
        """device_pending -> exchanging: of any number of browsers with one user code exactly one is Written."""

    def reopen_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """exchanging -> device_pending, by who claimed it: what the provider gave is to be decided about again."""

    def issue_device(self, grant: Grant, decided: DeviceDecision, *, claimed: bool) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued by who claimed it, or device_pending -> issued where nothing had to be claimed."""

    def deny_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """device_pending -> device_denied."""

    def note_poll(self, poll: DevicePoll, *, early_by: int) -> Written[Grant] | Refused[Grant]:
        """Begin the next interval of a device that waits.

        early_by   seconds that the interval grows, because this poll came too early; 0: it came in time, and is
                   refused where another came meanwhile
        """

    def redeem_code(self, redemption: Redemption) -> Written[Grant] | Refused[Grant]:
        """issued(0) -> active(1), every binding in the condition."""

    def advance_grant(self, advance: Advance) -> Written[Grant] | Refused[Grant]:
        """active(n) -> active(n + 1), every binding in the condition."""

    def revoke_grant(
        self, grant_id: str, *, client_id: str, secret_hash: bytes | None = None
    ) -> Written[Grant] | Refused[Grant]:
        """any -> revoked, where the grant is that client's; a tombstone stays until the absolute end.

        secret_hash   of the handle that asks for it; None where the broker itself has reason to
        """

    def pause_grant(self, grant_id: str, *, sub: str, paused: bool) -> Written[Grant] | Refused[Grant]:
        """Let no refresh token of it be used for a while, or again, if it is that user's and has not ended."""

    def withhold_token(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Record that a pause kept the grant's present generation from its client."""

    def deliver_withheld(self, grant: Grant, *, key_version: int, now: int) -> Written[Grant] | Refused[Grant]:
        """Deliver it once; its grace begins."""

    def widen_grant(self, widening: Widening) -> Written[Grant] | Refused[Grant]:
        """Add to an active grant of that user and client; nothing in it is taken away or replaced."""

    def claim_connect(self, claim_id: str, *, purge_at: int) -> Written[ConnectClaim] | Refused[ConnectClaim]:
        """Insert if absent: of any number of callbacks of one link exactly one is Written."""

    def put_consent(self, consent: Consent, *, expected_version: int) -> Written[Consent] | Refused[Consent]:
        """Write consent if its version is still the one read; 0 means absent."""

    def put_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Write a sign-in's tokens if absent or still one token generation below, with no attempt begun since it was
        read, whatever the lease; over a tombstone only what was decided after it."""

    def clear_outgoing(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Forget the replaced refresh tokens once they are revoked, if the connection is unchanged."""

    def lease_connection(
        self, connection: Connection, *, owner: str, doubt: bool, now: int, until: int
    ) -> Written[Connection] | Refused[Connection]:
        """Become the one who asks the provider: generation and attempt as read, and nobody's lease lives.

        doubt   the refresh token may have been used before
        """

    def put_recovery(
        self, recovery: Recovery, *, replacing: Recovery | None = None
    ) -> Written[Recovery] | Refused[Recovery]:
        """Keep a provider's answer where there is none, or only an older one of the same line.

        replacing   the one found instead, if it still stands
        """

    def empty_recovery(self, recovery: Recovery) -> Written[Recovery] | Refused[Recovery]:
        """Forget an answer that has been ended at the provider, if it still stands."""

    def commit_refresh(
        self, connection: Connection, *, owner: str, attempt: int, keeps_lost: bool
    ) -> Written[Connection] | Refused[Connection]:
        """Write the next generation, if its predecessor stands, is not revoked, and nobody newer is asking.

        owner     whose lease it was; "" for one who finishes from the recovery item
        attempt   as the one who finishes has read it
        keeps_lost   an answer that was lost may still live: the item goes on saying so
        """

    def record_refresh_failure(
        self, connection: Connection, *, owner: str
    ) -> Written[Connection] | Refused[Connection]:
        """End an attempt without tokens, if the generation stands and the lease is still this owner's."""

    def revoke_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """any -> revoked, if nobody has signed in since it was read; the tombstone keeps its sealed tokens."""

    def record_endings(
        self, connection: Connection, endings: Mapping[str, Ending], *, settled_at: int = 0
    ) -> Written[Connection] | Refused[Connection]:
        """Say on a tombstone what became of its tokens, if it still says what was read.

        settled_at   when the calls that its revocation needed had ended; 0: there are more to come
        """

    def note_idle(self, connection: Connection, *, since: int) -> Written[Connection] | Refused[Connection]:
        """Since when no live grant was seen (0: there is one), if nobody has signed in since it was read."""

    def list_subject(self, sub: str, kind: str) -> tuple[str, ...]:
        """Names of one subject's items of a kind (`CONNECTION`, `GRANT`); they may lag, so items are read to decide."""

    def list_held(self, sub: str) -> tuple[str, ...]:
        """Keys of one subject's connections, consents and grants, each with its kind in front; they may lag too."""

    def put_job(self, job: Job) -> None:
        """Leave a duty; the same one twice is one."""

    def demand_sign_in(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """active, partial -> reauth_required, if no token has been written since it was read."""

    def put_subject(self, subject: Subject) -> Written[Subject] | Refused[Subject]:
        """Insert if absent."""

    def note_connections(self, subject: Subject, noted: Mapping[str, int]) -> Written[Subject] | Refused[Subject]:
        """Replace the new connections that were read by these, if the user is not switched off."""

    def forget_new_connections(self, sub: str) -> None:
        """Remove a user's list of new connections."""

    def set_logins(
        self, subject: Subject, logins: dict[str, str], *, salt: bytes
    ) -> Written[Subject] | Refused[Subject]:
        """Note which further logins a user has, if nobody else has changed that since it was read.

        salt   another than before ends every browser session of this user
        """

    def put_user_key(self, sub: str, sealed: bytes) -> Written[bytes] | Refused[bytes]:
        """Insert if absent."""

    def erase_subject(self, subject: Subject, *, now: int) -> None:
        """Switch a user off for good; who signs in with that login from now on is somebody else."""

    def destroy_user_key(self, sub: str) -> None:
        """What was sealed under it is unreadable from now on, for everybody; no other key is ever made there."""

    def put_job_key(self, left: JobKey, *, now: int) -> Written[JobKey] | Refused[JobKey]:
        """Insert if absent or over."""

    def reseal_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Put other sealed values into a tombstone, if it still says what was read."""

    def put_client(self, client: Client, *, expected_revision: int | None) -> Written[Client] | Refused[Client]:
        """Write a client if absent (None) or still of that revision."""

    def change_client(self, client: Client, *, read: Client) -> Written[Client] | Refused[Client]:
        """Write what differs from what was read, if its revision and its management token still stand and it has not
        ended itself; whatever else has changed since, marks above all, stays."""

    def use_initial_token(
        self, token_hash: str, *, now: int, epoch: int
    ) -> Written[InitialToken] | Refused[InitialToken]:
        """Count one use while there is one left: of any number of registrations no more than that are Written."""

    def extend_client(self, client: Client, *, expires_at: int) -> Written[Client] | Refused[Client]:
        """Move the end of an unused client, if it still is the one that was read."""

    def put_document(self, client: Client, *, read: Client | None) -> Written[Client] | Refused[Client]:
        """Write what a client's document says now, if the client is absent (None) or stands as it was read, marks
        included."""

    def put_revoked_token(self, jti: str, *, expires_at: int) -> None:
        """Note an access token as revoked until its end."""

    def claim_once(self, mark: str, *, now: int, expires_at: int) -> Written[UsedOnce] | Refused[UsedOnce]:
        """Insert if absent or over: of any number of uses of one thing exactly one is Written.

        mark         a hash of its kind, of whose it is, and of its `jti`
        expires_at   until when it would be taken again, skew included
        """

    def put_stored_request(self, request_id: str, stored: StoredRequest) -> None:
        """Keep a request that the browser does not carry, under a fresh random id."""

    def open_stored_request(
        self, request_id: str, *, client_id: str, browser: str, now: int, bound_until: int, expires_at: int
    ) -> Written[StoredRequest] | Refused[StoredRequest]:
        """Bind a pushed request of that client to the browser that opens it: the first one, and afterwards that one.

        bound_until, expires_at   where it is opened for the first time; opening it again moves neither
        """

    def append_audit(self, event: AuditEvent) -> None:
        """Append one record; when it raises, nothing may be handed out."""

    def list_traces(self, sub: str, connection_id: str | None, *, since: int) -> Traces:
        """Of the newest audit records of a user, those of one connection: one query of a fixed size, whatever stands
        there.

        connection_id   None: of all of them
        since           the earliest time that is looked at
        """

    def list_events(self, sub: str, *, since: int, most: int) -> tuple[tuple[AuditEvent, ...], bool]:
        """The newest audit records of a user, so many at most, and whether those are all since then."""

    def count(self, key: str, *, amount: int, window_ends_at: int) -> int:
        """Add atomically to a counter of one window; the sum after it."""


class Registry(Protocol):
    """Records that may be up to 10 s old: client, providers, resources, the deployment's switch."""

    def lookup(
        self, *places: ItemKey[Any], fresh: bool = False, absence_of: frozenset[ItemKey[Any]] = frozenset()
    ) -> Items:
        """From the cache, else one batch read; `fresh` reads again.

        absence_of   places whose absence may be as old as a record, since it only refuses and whoever refuses reads
                     again; the absence of anything else is never taken from the cache
        """


class Keys(Protocol):
    """Opened keysets; warm, no call is made."""

    def get(self, purpose: Purpose) -> Keyset:
        """Raises StoreUnavailable when the keys cannot be opened."""

    def public_jwks(self) -> tuple[dict[str, str], ...]:
        """Public halves of the signing keys that are published, signing or retiring."""


class KeyRing(Protocol):
    """The keysets as whoever turns keys sees them; all verbs raise StoreUnavailable. No request has it."""

    def read(self, *places: ItemKey[Any]) -> Items:
        """As the store's."""

    def wrap(self, purpose: str, version: int, plain: bytes) -> bytes:
        """A key as the table keeps it, encrypted by KMS."""

    def swap(self, item: KeysetItem, *, read: KeysetItem) -> Written[KeysetItem] | Refused[KeysetItem]:
        """Compare and swap on the revision that was read."""

    def keep_copy(self, item: KeysetItem, *, gone: frozenset[int] = frozenset()) -> bool:
        """Beside what it opens, in the table that no restore takes back; False where it would lose more than `gone`."""

    def list_sealed(self, cursor: str, *, most: int) -> tuple[list[UserKey | JobKey], str]:
        """One page of the table of users' keys, and the cursor of the next; "": it was the last."""

    def put_look(self, look: Reseal, *, read: Reseal | None) -> bool:
        """Compare and swap on the revision: how far the look at all keys of users has come."""

    def reseal(self, place: ItemKey[Any], sealed: bytes, *, read: bytes, field: str = "sealed") -> bool:
        """Compare and swap on what is sealed there; False where it was changed or erased meanwhile."""


class Fetcher(Protocol):
    """The one way out (FETCH-01)."""

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = 8.0, max_bytes: int = 262144) -> HttpResponse:
        """Raises ProviderUnavailable."""


class Directory(Protocol):
    """Where a provider's endpoints and keys are, and a client's keys, cached."""

    def endpoints(self, definition: Any, issuer: str | None) -> Endpoints:
        """Raises ProviderUnavailable."""

    def jwks(self, definition: Any, endpoints: Endpoints, kid: str | None) -> dict[str, Any]:
        """Raises ProviderUnavailable."""

    def client_jwks(self, jwks_uri: str, kid: str | None) -> dict[str, Any]:
        """The keys that a client publishes, looked at again for a `kid` that is not among them.

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
        """Return after so many seconds."""


class Deadline(Protocol):
    """How long the function may still work on this request."""

    def begin(self) -> None:
        """A request begins, in this thread."""

    def left(self) -> float:
        """Seconds."""


class Breaker(Protocol):
    """Leaves a provider alone that fails most of its calls."""

    def retry_at(self, provider_id: str, now: int) -> int:
        """Until when it is left alone; 0 where it may be asked."""

    def note(self, provider_id: str, *, worked: bool, now: int) -> None:
        """What came of one call."""


@dataclass(frozen=True)
class Allowed:
    """One more use is within the limit."""


@dataclass(frozen=True)
class OverLimit:
    """It is not.

    retry_after   seconds to the end of the window
    first         nobody, in no process, has been told so in this window
    """

    retry_after: int
    first: bool


class Limiter(Protocol):
    """How often something may be used in a window of so many seconds, over all processes."""

    def spend(self, name: str, *, limit: int, now: int, seconds: int = 60) -> Allowed | OverLimit:
        """One use. Raises StoreUnavailable."""


class Flights(Protocol):
    """What several threads want at one moment is done once."""

    def share(self, name: str, run: Callable[[], T]) -> T:
        """`run`, or the outcome of the one that is under way by that name: its answer, or what it raised."""

    def waiting(self, name: str) -> int:
        """How many threads share the one that is under way."""


class JobQueue(Protocol):
    """The duties in the table, as whoever does them sees them; all verbs raise StoreUnavailable."""

    def list_due(self, now: int) -> tuple[Iterator[Job], ...]:
        """All whose time has come, oldest first, for each kind."""

    def claim(self, job: Job, *, now: int, until: int) -> bool:
        """Become the one who does it; False where somebody else has it, or it is done."""

    def delete(self, job: Job) -> None:
        """Its work is done; deleting it twice is no harm."""

    def take_sweep(self, *, now: int, seconds: int) -> Sweep | None:
        """Become for so long the one who looks at all connections, from where the last one stopped; None where it is
        not time yet, or somebody else does."""

    def put_sweep(self, sweep: Sweep, *, read: Sweep) -> bool:
        """Note how far it has come; False where somebody else has gone on meanwhile."""

    def list_connections(self, cursor: tuple[str, ...]) -> Page:
        """One page of the index, which may lag."""

    def last_seal(self) -> AuditSeal | None:
        """The newest link of the chain over the audit records. Raises SealBroken where what stands there is none."""

    def digest_window(self, window: int, *, has_time: Callable[[], bool]) -> tuple[bytes, ...] | None:
        """SHA-256 of each audit record of a window that has settled. Goes on where an earlier run stopped.

        has_time   asked before each batch

        None: time ended first and the next run goes on, or another process does. Raises StoreUnavailable.
        """

    def put_seal(self, seal: AuditSeal) -> bool:
        """Insert if absent; False where that window has been sealed."""


class Log(Protocol):
    """Structured lines, redacted in one place."""

    def event(self, name: str, **fields: object) -> None:
        """Write one line; `fields` never hold a secret, and the redactor drops what looks like one."""

    def begin(self, **known: str) -> None:
        """A request begins in this thread; `known` stands in each of its lines."""

    def count(self, metric: str) -> None:
        """One more of what is counted of the request that goes on in this thread."""

    def conclude(self, name: str, *, status: int, **fields: object) -> None:
        """Write the line of the request that ends: what came of it, how long it took, and what was counted."""

    def summarize(self, name: str, **fields: object) -> None:
        """Write what came of work that no request asked for, and what was counted of it; nothing where nothing was."""


@dataclass(frozen=True)
class Broker:
    """All that an endpoint is given."""

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
