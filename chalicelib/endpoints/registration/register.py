"""POST /register (RFC 7591): for holders of an initial access token, or open to all with limits (REG-01)."""

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.endpoints.callers.access_token import read_bearer
from chalicelib.endpoints.callers.clients import OWN_SCOPES
from chalicelib.endpoints.callers.rate_limits import client_network
from chalicelib.endpoints.callers.registration_policy import check_not_disabled, open_registration_policy
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.client_authentication import secret_hash
from chalicelib.protocol.errors import (
    InitialTokenMissing,
    InvalidClientMetadata,
    InvalidToken,
    RegistrationClosed,
    TemporarilyUnavailable,
    TooManyRequests,
)
from chalicelib.protocol.fapi2 import fit_registration
from chalicelib.protocol.parameters import check_no_secret_in_query
from chalicelib.protocol.registration import (
    RegistrationRequest,
    parse_registration,
    registration_answer,
)
from chalicelib.protocol.registration_tokens import (
    INITIAL,
    MANAGEMENT,
    TOKEN_BYTES,
    check_token,
    token_hash,
    write_token,
)
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client, Management, RegistrationPolicy, SecretHash
from chalicelib.records.item_keys import DEPLOYMENT, initial_token_item_key
from chalicelib.responses import Response, json_response

HOUR, DAY = 3600, 86400


class RegistrationAccess(Struct, frozen=True, kw_only=True):
    """The authorization of a registration.

    own      the policy of an initial access token; None for open registration without a token
    token    the hash of that token; its use has not been counted yet
    """

    own: RegistrationPolicy | None = None
    token: str | None = None


def answer(broker: Broker, http: Request) -> Response:
    """Raises OAuthError. Fetches no URL of the document (REG-03), and a refused request uses nothing up."""
    settings = broker.settings
    check_no_secret_in_query(http.query)
    admission = authorize_registration(broker, http)
    if http.json is None:
        raise InvalidClientMetadata("document_not_json")
    policy = admission.own or open_registration_policy(broker)
    document = read_registration(broker, http.json, policy)
    if admission.token is None:
        check_not_disabled(broker.registry.lookup(DEPLOYMENT).get(DEPLOYMENT))
        _check_limits(broker, http)
    else:
        _use(broker, admission.token)
    client, secret, management_token = build_client(broker, document, admission.own)
    if isinstance(broker.store.put_client(client, expected_revision=None), Refused):
        raise TemporarilyUnavailable("client_id_taken")
    broker.log.event("client_registered", client_id=client.client_id, by="self", admitted_by=_name(admission))
    told = registration_answer(client, secret, settings.issuer, management_token=management_token)
    return json_response(told, status=201)


def read_registration(broker: Broker, document: object, policy: RegistrationPolicy) -> RegistrationRequest:
    """Parse the requested registration and limit it by the policy and the settings. Raises OAuthError."""
    settings = broker.settings
    asked = parse_registration(document, policy, default_scopes=OWN_SCOPES, on_loopback=settings.is_loopback)
    return fit_registration(asked, settings)


def authorize_registration(broker: Broker, http: Request) -> RegistrationAccess:
    """Check the token, if there is one, even if none is required. Raises InvalidToken, TemporarilyUnavailable."""
    door = broker.settings.registration
    if door == "closed":
        raise RegistrationClosed("registration_closed")
    if http.header("authorization") is None:
        if door == "token":
            raise InitialTokenMissing("initial_access_token_missing")
        return RegistrationAccess()
    token = read_bearer(http)
    check_token(INITIAL, token)
    hashed = token_hash(token).hex()
    item_key = initial_token_item_key(hashed)
    found = broker.store.read(item_key, DEPLOYMENT)
    kept = found.get(item_key)
    if kept is None or kept.is_over(broker.clock.now(), epoch=broker.settings.epoch):
        raise InvalidToken("initial_access_token_unknown_or_over")
    check_not_disabled(found.get(DEPLOYMENT))
    return RegistrationAccess(own=kept.policy, token=hashed)


def build_client(
    broker: Broker, document: RegistrationRequest, policy: RegistrationPolicy | None
) -> tuple[Client, str | None, str]:
    """A self-registered client with its id; its secret, for a confidential client, and its management token. Both are
    shown only once."""
    now = broker.clock.now()
    management_token = write_token(MANAGEMENT, broker.entropy.token_bytes(TOKEN_BYTES))
    client = Client(
        **document.client_fields(),
        client_id=broker.entropy.token_bytes(16).hex(),
        registered_by="self",
        created_at=now,
        expires_at=now + broker.settings.registration_unused_days * DAY,
        policy=policy,
        management=Management(present=token_hash(management_token), epoch=broker.settings.epoch),
    )
    if not client.has_secret:
        return client, None, management_token
    secret = broker.entropy.token_bytes(32).hex()
    return replace(client, secrets=(hash_secret(broker, secret),)), secret, management_token


def hash_secret(broker: Broker, secret: str) -> SecretHash:
    """The stored hash of a secret."""
    pepper = broker.keys.get("pepper").current
    return SecretHash(
        hash=secret_hash(secret, pepper.secret), pepper_version=pepper.version, created_at=broker.clock.now()
    )


def _use(broker: Broker, hashed: str) -> None:
    """Count one use: however many requests run at once, no more than the token allows pass."""
    now, epoch = broker.clock.now(), broker.settings.epoch
    if isinstance(broker.store.use_initial_token(hashed, now=now, epoch=epoch), Refused):
        raise InvalidToken("initial_access_token_used_up")


def _name(admission: RegistrationAccess) -> str:
    """The name of the token in the operator's list, which reveals nothing of the token."""
    return admission.token[:12] if admission.token else "open registration"


def _check_limits(broker: Broker, http: Request) -> None:
    """Limits per address and hour, per day, and for the lifetime of unused clients; the counters are atomic."""
    settings, now = broker.settings, broker.clock.now()
    life = settings.registration_unused_days * DAY
    limits = (
        (f"register#{client_network(http)}", now - now % HOUR + HOUR, settings.registration_per_address),
        ("register#day", now - now % DAY + DAY, settings.registration_per_day),
        ("register#total", now - now % life + life, settings.registration_total),
    )
    for name, ends_at, limit in limits:
        if broker.store.count(name, amount=1, window_ends_at=ends_at) > limit:
            raise TooManyRequests("registration_limit", retry_after=min(ends_at - now, DAY))
