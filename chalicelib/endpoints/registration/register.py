"""POST /register (RFC 7591): for who holds an initial access token, or for everybody and then with limits (REG-01)."""

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
    """What lets somebody register.

    own      the policy of an initial access token; None where registration is open and none was sent
    token    the hash of that token; a use of it is still to be counted
    """

    own: RegistrationPolicy | None = None
    token: str | None = None


def answer(broker: Broker, http: Request) -> Response:
    """Raises OAuthError; nothing that a document names is fetched (REG-03), and what is refused uses nothing up."""
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
    """What a document asks for, as far as the policy and the settings allow it. Raises OAuthError."""
    settings = broker.settings
    asked = parse_registration(document, policy, default_scopes=OWN_SCOPES, on_loopback=settings.is_loopback)
    return fit_registration(asked, settings)


def authorize_registration(broker: Broker, http: Request) -> RegistrationAccess:
    """Whoever sends a token is held to it, also where none is needed. Raises InvalidToken, TemporarilyUnavailable."""
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
    """A self-registered client with its id; its secret, where it can keep one, and its management token, both of which
    are shown this once."""
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
    """A secret as it is kept."""
    pepper = broker.keys.get("pepper").current
    return SecretHash(
        hash=secret_hash(secret, pepper.secret), pepper_version=pepper.version, created_at=broker.clock.now()
    )


def _use(broker: Broker, hashed: str) -> None:
    """Of any number at once, no more pass than the token has uses left."""
    now, epoch = broker.clock.now(), broker.settings.epoch
    if isinstance(broker.store.use_initial_token(hashed, now=now, epoch=epoch), Refused):
        raise InvalidToken("initial_access_token_used_up")


def _name(admission: RegistrationAccess) -> str:
    """As the operator's list names it: no part of the token."""
    return admission.token[:12] if admission.token else "open registration"


def _check_limits(broker: Broker, http: Request) -> None:
    """Per address and hour, per day, and in all for as long as an unused client lives; the counters are atomic."""
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
