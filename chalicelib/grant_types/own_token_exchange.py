"""Token exchange for one of the broker's access tokens: a narrower one for an app, or one for an actor of that app.

Rules of this file: the new token never has more scopes or APIs or a longer life than the subject token. It ends with
the subject token, and with the actor token if there was one. An actor gets a token for one API of the operator's and
for no endpoint of the broker, so that it reaches neither the user's profile nor a provider (ADR 22).
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.access_token_check import (
    AuthorizedToken,
    Claims,
    PresentedToken,
    authorize_acting,
    authorize_token,
    check_client_token,
    consume_token_proof,
    verify_presented,
)
from chalicelib.grant_types.token_request import ACCESS_TOKEN, TokenRequest
from chalicelib.ports import Broker
from chalicelib.protocol.actor_claims import acting_claims, check_may_act, derived_claims
from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    UnauthorizedClient,
)
from chalicelib.protocol.log_redaction import redact_all
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.scope import serialize
from chalicelib.records.audit import AuditEvent
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.token_issuer import choose_audience, issue_access_token, token_type


class ExchangedToken(Struct, frozen=True, kw_only=True):
    """The token to issue.

    exchanged   claims of the new token that tell of those it came from
    ends_at     epoch seconds; it lives no longer
    jkt         the key to which it is bound
    """

    grant: Grant
    uri: str
    scopes: frozenset[str]
    exchanged: Mapping[str, Any]
    ends_at: int
    jkt: str | None


def downscope(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest, uri: str) -> dict[str, Any]:
    """A token for one API of those that the user allowed, or for us with fewer scopes. One for an API is no subject
    token, so nobody whom it was shown to turns it around.

    Raises InvalidRequest, InvalidTarget, InvalidScope, InvalidDpopProof.
    """
    presented = PresentedToken(token=parameters.require("subject_token"), proof=asked.proof, in_form=True)
    try:
        use = authorize_token(broker, presented, audience=broker.settings.issuer)
    except InvalidToken as error:
        raise InvalidRequest(f"subject_{error.reason}") from None
    if use.grant is None or use.client.client_id != client.client_id:
        raise InvalidRequest("subject_token_of_another_client")
    if uri != broker.settings.issuer and uri not in client.resources & frozenset(use.grant.resources):
        raise InvalidTarget("resource_not_granted")
    narrower = ExchangedToken(
        grant=use.grant,
        uri=uri,
        scopes=_choose_scopes(use, asked),
        exchanged=derived_claims(use.claims),
        ends_at=use.claims["exp"],
        jkt=presented.jkt,
    )
    return _issue(broker, narrower)


def delegate(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest) -> dict[str, Any]:
    """A token by which this client acts for the one whose token it shows: for the user's `sub`, at one API that user,
    operator and both registrations allow. The record of it comes first.

    Raises UnauthorizedClient, InvalidRequest, InvalidTarget, InvalidScope, InvalidDpopProof.
    """
    if not client.is_confidential:
        raise UnauthorizedClient("public_client_may_not_act")
    uri = asked.resource(broker.settings.issuer)
    if uri is None or parameters.all("audience"):
        raise InvalidTarget("actor_without_an_api")
    subject = PresentedToken(token=parameters.require("subject_token"), proof=asked.proof, in_form=True)
    actor = _verify_actor(broker, client, replace(subject, token=parameters.require("actor_token")))
    use, grant = _authorize(broker, client, subject, actor)
    if uri not in client.resources & use.client.resources & frozenset(grant.resources):
        raise InvalidTarget("resource_not_granted")
    narrower = ExchangedToken(
        grant=grant,
        uri=uri,
        scopes=_choose_scopes(use, asked, actor=client),
        exchanged=acting_claims(use.claims, actor),
        ends_at=min(use.claims["exp"], actor["exp"]),
        jkt=subject.jkt,
    )
    consume_token_proof(broker, subject)
    body = _issue(broker, narrower)
    _record(broker, client, narrower, body)
    return body


def _verify_actor(broker: Broker, client: Client, presented: PresentedToken) -> dict[str, Any]:
    """The client's own token, for itself and for us. Raises InvalidRequest."""
    try:
        claims = verify_presented(broker, presented, audience=broker.settings.issuer)
    except InvalidToken as error:
        raise InvalidRequest(f"actor_{error.reason}") from None
    if "grant_id" in claims or claims["client_id"] != client.client_id:
        raise InvalidRequest("actor_token_of_another")
    return claims


def _authorize(broker: Broker, client: Client, subject: PresentedToken, actor: Claims) -> tuple[AuthorizedToken, Grant]:
    """The subject token is a user's, and for us or for an API as which this client introspects; the operator has said
    that this client may act for that app. Raises InvalidRequest."""
    issuer = broker.settings.issuer
    try:
        use = authorize_acting(broker, subject, actor, audiences=client.serves | {issuer})
    except InvalidToken as error:
        raise InvalidRequest(f"subject_{error.reason}") from None
    if use.grant is None:
        raise InvalidRequest("subject_token_of_another_client")
    try:
        check_client_token(use.found, actor, broker.clock.now())
    except InvalidToken as error:
        raise InvalidRequest(f"actor_{error.reason}") from None
    audience = use.claims["aud"]
    if audience != issuer and not use.may_reach(audience):
        raise InvalidRequest("subject_resource_taken_back")
    if client.client_id not in use.client.may_be_acted_by:
        raise InvalidRequest("actor_not_allowed").noting(actor=client.client_id, subject_client=use.client.client_id)
    check_may_act(use.claims, client.client_id, issuer=issuer)
    return use, use.grant


def _choose_scopes(use: AuthorizedToken, asked: TokenRequest, *, actor: Client | None = None) -> frozenset[str]:
    """What is asked, or all there is, of what the subject token has and whoever acts may ask."""
    if not asked.scopes <= use.scopes:
        raise InvalidScope("more_than_the_subject_token")
    if actor is None:
        return asked.scopes or use.scopes
    if not asked.scopes <= actor.scopes:
        received = redact_all(asked.scopes, actor.scopes)
        raise InvalidScope("more_than_the_actor_may_ask").noting(expected=actor.scopes, received=received)
    return (asked.scopes or use.scopes) & actor.scopes


def _issue(broker: Broker, narrower: ExchangedToken) -> dict[str, Any]:
    now = broker.clock.now()
    audience = choose_audience(broker, narrower.uri, narrower.scopes)
    audience = replace(audience, lifetime_seconds=min(audience.lifetime_seconds, narrower.ends_at - now))
    token, expires_in = issue_access_token(
        broker, narrower.grant, audience=audience, now=now, jkt=narrower.jkt, exchanged=narrower.exchanged
    )
    return {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": token_type(narrower.jkt),
        "expires_in": expires_in,
        "scope": serialize(audience.scopes),
    }


def _record(broker: Broker, client: Client, narrower: ExchangedToken, body: dict[str, Any]) -> None:
    """Record the actor and the user before the token is returned. Without the record, there is no token."""
    grant = narrower.grant
    broker.store.append_audit(
        AuditEvent(
            event="acted",
            at=broker.clock.now(),
            request_id=broker.entropy.token_bytes(12).hex(),
            sub=grant.sub,
            client_id=grant.client_id,
            actor_id=client.client_id,
            audience=narrower.uri,
            grant_id=grant.grant_id,
            scopes=frozenset(words(body["scope"])),
            token_id=hashlib.sha256(body["access_token"].encode()).hexdigest(),
        )
    )
    broker.log.event("acted", client_id=grant.client_id, actor_id=client.client_id, audience=narrower.uri)
