"""GET, PUT and DELETE /register/{client_id} (RFC 7592): a self-registered client reads, updates or deletes itself.

Each use of a management token returns the next one. Until that one is used, the previous token is valid too and returns
the same, so lost responses, retries and simultaneous requests lock no client out. Nothing is read from the cache, so a
replaced token is invalid at once. The response to an invalid token is the same for an unknown client (REG-05).
"""

import re
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.endpoints.callers.access_token import read_bearer
from chalicelib.endpoints.callers.registration_policy import check_not_disabled, open_registration_policy
from chalicelib.endpoints.registration.register import hash_secret, read_registration
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.client_authentication import PresentedClient, verify_secret
from chalicelib.protocol.errors import InvalidClient, InvalidClientMetadata, InvalidToken, TemporarilyUnavailable
from chalicelib.protocol.parameters import check_no_secret_in_query
from chalicelib.protocol.registration import registration_answer
from chalicelib.protocol.registration_tokens import (
    MANAGEMENT,
    TOKEN_BYTES,
    check_token,
    match_management,
    next_secret,
    next_token,
    succeed,
)
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client, Management
from chalicelib.records.item_keys import DEPLOYMENT, client_item_key
from chalicelib.responses import NO_STORE, Response, json_response

_CLIENT_ID = re.compile(r"[0-9a-f]{32}")
# RFC 7592 section 2.2: members that only the server sets.
SERVERS_MEMBERS = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


class ManagedClient(Struct, frozen=True, kw_only=True):
    """A client as stored, and which of its two management tokens the request has."""

    client: Client
    management: Management
    token: str
    which: Literal["present", "previous"]


def answer(broker: Broker, http: Request) -> Response:
    """Raises InvalidToken, InvalidRedirectUri, InvalidClientMetadata, TemporarilyUnavailable."""
    check_no_secret_in_query(http.query)
    owner = _authorize(broker, http)
    if http.method == "DELETE":
        return _end(broker, owner)
    if owner.client.is_over(broker.clock.now()):
        raise InvalidToken("client_over")
    return _replace(broker, owner, http.json) if http.method == "PUT" else _show(broker, owner)


def _authorize(broker: Broker, http: Request) -> ManagedClient:
    token, client_id = read_bearer(http), http.path.get("client_id", "")
    check_token(MANAGEMENT, token)
    if not _CLIENT_ID.fullmatch(client_id):
        raise InvalidToken("client_id_malformed")
    item_key = client_item_key(client_id)
    found = broker.store.read(item_key, DEPLOYMENT)
    owner = _recognize(broker, found.get(item_key), token)
    check_not_disabled(found.get(DEPLOYMENT))
    if owner is None:
        raise InvalidToken("no_management_token_of_this_client")
    return owner


def _recognize(broker: Broker, client: Client | None, token: str) -> ManagedClient | None:
    management = client.management if client else None
    which = match_management(management, token, epoch=broker.settings.epoch)
    if client is None or management is None or which == "none":
        return None
    return ManagedClient(client=client, management=management, token=token, which=which)


def _show(broker: Broker, owner: ManagedClient) -> Response:
    """Return the client and its next token; nothing else changes."""
    if owner.which == "present":
        salt, epoch = broker.entropy.token_bytes(TOKEN_BYTES), broker.settings.epoch
        kept = succeed(owner.token, salt, epoch=epoch)
        changed = replace(owner.client, management=kept)
        result = broker.store.change_client(changed, read=owner.client)
        now_stands = result.found if isinstance(result, Refused) else result.item
        repeated = _recognize(broker, now_stands, owner.token)
        if repeated is None or repeated.which != "previous" or repeated.client.is_over(broker.clock.now()):
            raise TemporarilyUnavailable("client_changed_meanwhile", retry_after=1)
        owner = repeated
    return _tell(broker, owner.client, owner.token, owner.management, None)


def _replace(broker: Broker, owner: ManagedClient, document: object) -> Response:
    """Replace all members, by the defaults if they are missing; the same document twice has the same result."""
    client, now = owner.client, broker.clock.now()
    sent = _check_own(broker, client, document, now)
    policy = client.policy or open_registration_policy(broker)
    said = read_registration(broker, document, policy)
    asked = replace(client, **said.client_fields())
    salt = broker.entropy.token_bytes(TOKEN_BYTES) if owner.which == "present" else owner.management.salt
    gives = asked.has_secret and not client.secrets
    if gives:
        asked = replace(asked, secrets=(hash_secret(broker, next_secret(owner.token, salt)),))
    elif not asked.has_secret:
        asked = replace(asked, secrets=())
    gave = asked.has_secret and (gives or (owner.which == "previous" and owner.management.gave_secret))
    if owner.which == "present":
        kept = succeed(owner.token, salt, epoch=broker.settings.epoch, gave_secret=gave)
    else:
        kept = replace(owner.management, gave_secret=gave)
    revision = client.revision + (asked != client)
    changed = replace(asked, management=kept, revision=revision)
    if changed != client and isinstance(broker.store.change_client(changed, read=client), Refused):
        raise TemporarilyUnavailable("client_changed_meanwhile", retry_after=1)
    broker.log.event("client_replaced", client_id=client.client_id, by="self", revision=revision)
    return _tell(broker, changed, owner.token, kept, sent)


def _check_own(broker: Broker, client: Client, document: object, now: int) -> str | None:
    """RFC 7592 section 2.2: the document has the client id, and the correct secret or none. Returns that secret."""
    if not isinstance(document, dict):
        raise InvalidClientMetadata("document_not_an_object")
    if document.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id_missing_or_of_another", "client_id")
    if servers := [name for name in SERVERS_MEMBERS if name in document]:
        raise InvalidClientMetadata("member_of_the_server", *servers)
    secret = document.get("client_secret")
    if secret is None:
        return None
    if not isinstance(secret, str):
        raise InvalidClientMetadata("client_secret_not_a_string", "client_secret")
    presented = PresentedClient(client_id=client.client_id, secret=secret, method="client_secret_post")
    peppers = {version: key.secret for version, key in broker.keys.get("pepper").versions.items()}
    try:
        verify_secret(client, presented, peppers, now)
    except InvalidClient:
        raise InvalidClientMetadata("client_secret_of_another", "client_secret") from None
    return secret


def _tell(broker: Broker, client: Client, token: str, kept: Management, sent: str | None) -> Response:
    """The response. If it is lost, a request with the same token gets it again."""
    secret = next_secret(token, kept.salt) if kept.gave_secret else sent
    following = next_token(token, kept.salt)
    shown = secret if client.has_secret else None
    return json_response(registration_answer(client, shown, broker.settings.issuer, management_token=following))


def _end(broker: Broker, owner: ManagedClient) -> Response:
    """Store a tombstone: no grant works from now on, and the next daily sweep revokes its connections at providers."""
    client = owner.client
    if client.deleted_at is None:
        ended = replace(
            client,
            deleted_at=broker.clock.now(),
            marks=replace(client.marks, disabled=True),
            secrets=(),
            revision=client.revision + 1,
        )
        result = broker.store.change_client(ended, read=client)
        if isinstance(result, Refused) and (result.found is None or result.found.deleted_at is None):
            raise TemporarilyUnavailable("client_changed_meanwhile", retry_after=1)
        broker.log.event("client_deleted", client_id=client.client_id, by="self")
    return Response(status=204, headers=NO_STORE)
