"""Requests to a provider: the broker's registration there, the token endpoint, revocation, and the user's identity."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from chalicelib.encryption import OwnKey, open_metadata, open_provider_secret
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.protocol.requested_claims import CONTEXT
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.providers.definition import ProviderDefinition, ValueRefused
from chalicelib.records.connection import Connection
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.sign_in import Pending
from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.client_assertion import UnusableKey, sign_assertion
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved, ProviderRefused, ProviderUnavailable
from chalicelib.upstream.id_token import read_id_token, unverified_kid
from chalicelib.upstream.identity import Identity, build_userinfo_requests, read_callback_profile, read_identity
from chalicelib.upstream.metadata import (
    build_metadata_requests,
    read_callback_metadata,
    read_metadata_responses,
    read_token_metadata,
)
from chalicelib.upstream.revocation import TokenKind, build_revocation_request, read_revocation_response
from chalicelib.upstream.token import ProviderTokens, build_exchange_request, build_token_request, read_token_response
from chalicelib.upstream.unusable_tokens import read_unusable_tokens

ProviderFailure = (ProviderUnavailable, ProviderRefused, ProviderMisbehaved)
Ending = Literal["revoked", "not_supported", "failed"]
# One callback can fetch discovery, token, a second token, keys, metadata, userinfo and addresses. No provider file
# needs all of them, and those that one file needs take less than the function's 25 s.
NO_TIME = 10**11  # later than any real time
TOKEN_SECONDS, EXCHANGE_SECONDS, USERINFO_SECONDS, REVOCATION_SECONDS = 8.0, 4.0, 3.0, 3.0


class Provider(Struct, frozen=True, kw_only=True):
    """One provider with a completed definition.

    metadata   of the connection that is being made, as far as it is known
    told       profile claims from the callback
    """

    definition: ProviderDefinition
    record: ProviderRecord
    endpoints: Endpoints
    metadata: dict[str, str] = {}
    told: dict[str, object] = {}


class ProviderSignIn(Struct, frozen=True, kw_only=True):
    """The verified content of a provider's responses.

    provider    the provider, with the connection's metadata
    auth_time   when the user authenticated there; None unless the provider file says that the provider honours max_age
    acr         the authentication context there; "" unless the provider file says that the provider reports it
    """

    provider: Provider
    tokens: ProviderTokens
    identity: Identity
    auth_time: int | None
    acr: str = ""


Receive = Callable[[Provider, ProviderTokens], None]


def load_definition(broker: Broker, provider_id: str) -> ProviderDefinition:
    """The file without the operator's values: enough for names and scopes. Raises PageError if there is no file."""
    definition = broker.catalog.get(provider_id)
    if definition is None:
        raise PageError("provider_unknown", page="request_broken")
    return definition


def is_configured(broker: Broker, record: ProviderRecord) -> bool:
    """False if the operator's values do not fit the file, as after a change of the file. The provider then counts as
    disabled."""
    try:
        return broker.catalog.fill(record) is not None
    except ValueRefused as refused:
        broker.log.event("provider_value_refused", provider_id=record.provider_id, value=refused.name)
        return False


def load_provider(broker: Broker, record: ProviderRecord, metadata: Mapping[str, str] | None = None) -> Provider:
    """The provider, its file completed with the operator's values and those of one connection.

    metadata   of the connection; a missing value stays unset, and a request to a URL that needs it is refused

    Raises ProviderUnavailable, ProviderMisbehaved, ProviderRefused if discovery fails or a value does not fit the file.
    """
    try:
        definition = broker.catalog.fill(record, metadata)
    except ValueRefused as refused:
        broker.log.event("provider_value_refused", provider_id=record.provider_id, value=refused.name)
        raise ProviderMisbehaved("provider_value_refused") from None
    return discover_endpoints(broker, record, definition or load_definition(broker, record.provider_id))


def usable_metadata(broker: Broker, record: ProviderRecord, connection: Connection, user_key: OwnKey) -> dict[str, str]:
    """The values of a connection, for work that must go on without them, such as revoking its tokens. Empty if they no
    longer fit the file."""
    metadata = stored_metadata(broker, connection, user_key)
    try:
        broker.catalog.fill(record, metadata)
    except ValueRefused as refused:
        broker.log.event("connection_value_refused", connection_id=connection.connection_id, value=refused.name)
        return {}
    return metadata


def stored_metadata(broker: Broker, connection: Connection, user_key: OwnKey) -> dict[str, str]:
    """The metadata of the connection; empty, with an alarm, if it cannot be decrypted."""
    try:
        return open_metadata(user_key, connection)
    except DecryptionFailed as broken:
        kept = {"connection_id": connection.connection_id, "reason": str(broken)}
        broker.log.event("alarm", kind="metadata_does_not_open", **kept)
        return {}


def is_as_registered(broker: Broker, record: ProviderRecord) -> bool:
    """Check that the operator wrote the provider's hosts in the record; without hosts there, the file decides.

    False, with an alarm, if another issuer or value was written into the table. The broker then sends no request.
    """
    if record.issuer is None and not record.variables:
        return True
    try:
        open_provider_secret(broker.keys.get("vault"), record)
    except DecryptionFailed:
        broker.log.event("alarm", kind="provider_does_not_verify", provider_id=record.provider_id)
        return False
    return True


def discover_endpoints(broker: Broker, record: ProviderRecord, definition: ProviderDefinition) -> Provider:
    """Find the endpoints of a provider whose definition is complete. Raises as discovery does."""
    if not is_as_registered(broker, record):
        raise ProviderMisbehaved("provider_does_not_verify")
    endpoints = broker.directory.endpoints(definition, record.issuer)
    return Provider(definition=definition, record=record, endpoints=endpoints)


def read_callback_claims(broker: Broker, provider: Provider, get: Callable[[str], str | None]) -> Provider:
    """Add the values that the callback contains beside the code.

    get   returns the single value of a callback parameter

    Raises ProviderMisbehaved if a value is missing or not allowed by the file.
    """
    told = read_callback_profile(provider.definition, get)
    heard = _learn(broker, provider, read_callback_metadata(provider.definition, get))
    return msgspec.structs.replace(heard, told=told)


def _learn(broker: Broker, provider: Provider, metadata: Mapping[str, str]) -> Provider:
    """Complete the provider's URLs with more values of this connection."""
    if not metadata:
        return provider
    known = {**provider.metadata, **metadata}
    found = load_provider(broker, provider.record, known)
    return msgspec.structs.replace(found, metadata=known, told=provider.told)


def _ask_metadata(broker: Broker, provider: Provider, tokens: ProviderTokens) -> Provider:
    """Read the connection's metadata from the token response, then from the metadata requests of the file."""
    provider = _learn(broker, provider, read_token_metadata(provider.definition, tokens.answer))
    client_id = provider.record.client_id
    requests = build_metadata_requests(provider.definition, tokens.access_token, client_id=client_id)
    answers = {
        url: broker.fetcher.fetch(request, timeout_seconds=USERINFO_SECONDS) for url, request in requests.items()
    }
    return _learn(broker, provider, read_metadata_responses(provider.definition, answers))


def callback_status(error: ProviderUnavailable | ProviderRefused | ProviderMisbehaved) -> int:
    """The status for the browser: 400 if the provider rejects the code, because the browser supplied it; else 502."""
    return 400 if isinstance(error, ProviderRefused) and error.code == "invalid_grant" else 502


def redeem_at_provider(
    broker: Broker, provider: Provider, pending: Pending, code: str, receive: Receive
) -> ProviderSignIn:
    """Send the one token request, then read the user's identity. The request is never repeated automatically.

    receive   stores each token response before anything else happens

    Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
    """
    definition, endpoints = provider.definition, provider.endpoints
    asked = build_token_request(
        definition,
        endpoints,
        client_id=provider.record.client_id,
        client_secret=open_credential(broker, provider),
        code=code,
        redirect_uri=callback_uri(broker.settings.issuer, definition.provider_id),
        code_verifier=pending.code_verifier,
    )
    requested = frozenset(
        scope.partition(":")[2] for scope in pending.allowed if scope.startswith(definition.provider_id + ":")
    )
    response = broker.fetcher.fetch(asked, timeout_seconds=TOKEN_SECONDS)
    first = _read_tokens(broker, provider, response, requested, receive)
    claims = _verify_id_token(broker, provider, first.id_token, pending.nonce) if definition.is_openid else None
    tokens = _exchange(broker, provider, first, receive)
    provider = _ask_metadata(broker, provider, tokens)
    receive(provider, tokens)
    identity = _ask_identity(broker, provider, tokens, claims)
    stated = (claims or {}).get("auth_time")
    honest = definition.identity.auth_time and isinstance(stated, int) and 1 < stated < NO_TIME
    return ProviderSignIn(
        provider=provider,
        tokens=tokens,
        identity=identity,
        auth_time=stated if honest else None,
        acr=_read_context(definition, claims or {}),
    )


def _read_context(definition: ProviderDefinition, claims: dict[str, Any]) -> str:
    """The `acr` of the ID token, unchanged: its meaning is agreed between the app and the provider."""
    told = claims.get("acr") if definition.identity.acr else None
    return told if isinstance(told, str) and CONTEXT.fullmatch(told) else ""


def _ask_identity(
    broker: Broker, provider: Provider, tokens: ProviderTokens, claims: dict[str, Any] | None
) -> Identity:
    """The user's identity. Claims from the provider's endpoints override those that came through the browser."""
    definition, client_id = provider.definition, provider.record.client_id
    requests = build_userinfo_requests(definition, provider.endpoints, tokens.access_token, client_id=client_id)
    answers = _fetch_profile(broker, requests, needed=definition.identity.source == "userinfo")
    identity = read_identity(definition, answers, claims, tokens.answer)
    return msgspec.structs.replace(identity, profile={**provider.told, **identity.profile})


def _read_tokens(
    broker: Broker, provider: Provider, response: HttpResponse, requested: frozenset[str], receive: Receive
) -> ProviderTokens:
    """Read a token response. Raises if it is invalid, but passes any tokens in it to `receive` first."""
    definition = provider.definition
    try:
        tokens = read_token_response(definition, response, requested=requested, now=broker.clock.now())
    except ProviderFailure:
        if (unusable := read_unusable_tokens(definition, response)) is not None:
            receive(provider, unusable)
        raise
    receive(provider, tokens)
    return tokens


def _exchange(broker: Broker, provider: Provider, first: ProviderTokens, receive: Receive) -> ProviderTokens:
    """The second token request, if the file has one. Its token replaces the first; other values of the first are
    merged."""
    definition = provider.definition
    if definition.exchange is None:
        return first
    asked = build_exchange_request(
        definition,
        definition.exchange,
        client_id=provider.record.client_id,
        client_secret=open_credential(broker, provider),
        token=first.access_token,
    )
    response = broker.fetcher.fetch(asked, timeout_seconds=EXCHANGE_SECONDS)
    second = _read_tokens(broker, provider, response, first.granted, receive)
    return msgspec.structs.replace(second, answer={**first.answer, **second.answer})


def _fetch_profile(broker: Broker, requests: tuple[HttpRequest, ...], *, needed: bool) -> tuple[HttpResponse, ...]:
    """Fetch the profile. If an ID token has proven the identity, an unavailable endpoint costs only the profile."""
    try:
        return tuple(broker.fetcher.fetch(request, timeout_seconds=USERINFO_SECONDS) for request in requests)
    except ProviderUnavailable as error:
        if needed:
            raise
        broker.log.event("profile_unavailable", reason=error.reason)
        return ()


def revoke_at_provider(broker: Broker, provider: Provider, token: str, kind: TokenKind) -> bool:
    """Revoke one token at the provider; False if the provider has no such endpoint or does not confirm."""
    return revoke_token(broker, provider, token, kind) == "revoked"


def revoke_token(broker: Broker, provider: Provider, token: str, kind: TokenKind) -> Ending:
    """Revoke one token at the provider and return the outcome."""
    request = build_revocation_request(
        provider.definition,
        provider.endpoints,
        client_id=provider.record.client_id,
        client_secret=open_credential(broker, provider),
        token=token,
        kind=kind,
    )
    if request is None:
        return "not_supported"
    try:
        response = broker.fetcher.fetch(request, timeout_seconds=REVOCATION_SECONDS)
        read_revocation_response(provider.definition, response)
    except ProviderFailure as error:
        broker.log.event("revocation_failed", provider_id=provider.record.provider_id, reason=error.reason)
        return "failed"
    return "revoked"


def open_credential(broker: Broker, provider: Provider) -> str | None:
    """The broker's credential at the provider, for one request: the client secret, or an assertion signed with its key.

    Raises TemporarilyUnavailable if it cannot be decrypted or cannot sign; no request may be sent then.
    """
    record, rules = provider.record, provider.definition.client_assertion
    try:
        secret = open_provider_secret(broker.keys.get("vault"), record)
    except DecryptionFailed:
        broker.log.event("provider_secret_does_not_open", provider_id=record.provider_id)
        raise TemporarilyUnavailable("provider_secret_does_not_open") from None
    if record.public:
        return None
    if rules is None:
        return secret
    named = provider.definition.token_endpoint_auth_method == "client_assertion"
    jti = broker.entropy.token_bytes(16).hex() if named else None
    try:
        return sign_assertion(rules, secret, client_id=record.client_id, now=broker.clock.now(), jti=jti)
    except UnusableKey:
        broker.log.event("provider_key_cannot_sign", provider_id=record.provider_id)
        raise TemporarilyUnavailable("provider_key_cannot_sign") from None


def _verify_id_token(broker: Broker, provider: Provider, id_token: str | None, nonce: str) -> dict[str, Any]:
    """Verify the ID token. Nothing in the response may be used before this check (CB-08)."""
    kid = unverified_kid(id_token) if id_token is not None else None
    return read_id_token(
        provider.definition,
        provider.endpoints,
        id_token,
        jwks=broker.directory.jwks(provider.definition, provider.endpoints, kid),
        client_id=provider.record.client_id,
        nonce=nonce,
        now=broker.clock.now(),
    )
