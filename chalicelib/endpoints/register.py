"""POST /register (RFC 7591): closed unless the operator opens it, and then with limits (REG-01)."""

from msgspec.structs import replace

from chalicelib.endpoints.counting import place_of
from chalicelib.endpoints.parties import OWN_SCOPES
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.client_authentication import secret_hash
from chalicelib.protocol.errors import (
    InvalidClientMetadata,
    RegistrationClosed,
    TemporarilyUnavailable,
    TooManyRequests,
)
from chalicelib.protocol.registration import RegistrationRequest, parse_registration, registration_answer
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import check_no_secret_in_query
from chalicelib.records.client import Client, SecretHash
from chalicelib.replies import Reply, json_reply

HOUR, DAY = 3600, 86400


def answer(broker: Broker, http: Request) -> Reply:
    """Raises OAuthError; nothing that a document names is fetched (REG-03)."""
    settings = broker.settings
    if not settings.open_registration:
        raise RegistrationClosed("registration_closed")
    check_no_secret_in_query(http.query)
    if http.json is None:
        raise InvalidClientMetadata("document_not_json")
    document = parse_registration(
        http.json,
        allowed_scopes=settings.open_registration_scopes,
        default_scopes=settings.open_registration_scopes & OWN_SCOPES,
        handout=settings.open_registration_handout,
    )
    _check_limits(broker, http)
    client, secret = build_client(broker, document)
    if isinstance(broker.store.put_client(client, expected_revision=None), Refused):
        raise TemporarilyUnavailable("client_id_taken")
    broker.log.event("client_registered", client_id=client.client_id, by="self")
    return json_reply(registration_answer(client, secret, settings.issuer), status=201)


def build_client(broker: Broker, document: RegistrationRequest) -> tuple[Client, str | None]:
    """A self-registered client with its id and, where it can keep one, its secret, which is shown this once."""
    now = broker.clock.now()
    client = Client(
        client_id=broker.entropy.token_bytes(16).hex(),
        client_name=document.client_name,
        redirect_uris=document.redirect_uris,
        token_endpoint_auth_method=document.token_endpoint_auth_method,
        jwks=document.keys.jwks,
        jwks_uri=document.keys.jwks_uri,
        token_endpoint_auth_signing_alg=document.keys.algorithm,
        grant_types=document.grant_types,
        application_type=document.application_type,
        scopes=document.scopes,
        optional_scopes=document.optional_scopes,
        providers=frozenset({"*"}),
        handout=document.handout,
        require_pushed_authorization_requests=document.require_pushed_authorization_requests,
        registered_by="self",
        client_uri=document.client_uri,
        initiate_login_uri=document.initiate_login_uri,
        policy_uri=document.policy_uri,
        tos_uri=document.tos_uri,
        created_at=now,
        expires_at=now + broker.settings.registration_unused_days * DAY,
    )
    if not client.has_secret:
        return client, None
    secret = broker.entropy.token_bytes(32).hex()
    return replace(client, secrets=(hash_secret(broker, secret),)), secret


def hash_secret(broker: Broker, secret: str) -> SecretHash:
    """A secret as it is kept."""
    pepper = broker.keys.get("pepper").current
    return SecretHash(
        hash=secret_hash(secret, pepper.secret), pepper_version=pepper.version, created_at=broker.clock.now()
    )


def _check_limits(broker: Broker, http: Request) -> None:
    """Per address and hour, per day, and in all for as long as an unused client lives; the counters are atomic."""
    settings, now = broker.settings, broker.clock.now()
    life = settings.registration_unused_days * DAY
    limits = (
        (f"register#{place_of(http)}", now - now % HOUR + HOUR, settings.registration_per_address),
        ("register#day", now - now % DAY + DAY, settings.registration_per_day),
        ("register#total", now - now % life + life, settings.registration_total),
    )
    for name, ends_at, limit in limits:
        if broker.store.count(name, amount=1, window_ends_at=ends_at) > limit:
            raise TooManyRequests("registration_limit", retry_after=min(ends_at - now, DAY))
