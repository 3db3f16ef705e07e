"""Client authentication, the first step of every endpoint for clients (RFC 6749 section 2.3, TOK-02 to TOK-09)."""

from collections.abc import Mapping
from typing import Any

from chalicelib.endpoints.callers.clients import decide_with_fresh_records
from chalicelib.endpoints.callers.rate_limits import client_network, count_sender_request
from chalicelib.ports import Broker, OverLimit, Refused
from chalicelib.protocol.client_assertion import (
    UnverifiedAssertion,
    assertion_mark,
    check_client_assertion,
    verify_client_assertion,
)
from chalicelib.protocol.client_authentication import (
    PresentedClient,
    check_method,
    parse_client_credentials,
    verify_secret,
)
from chalicelib.protocol.errors import InvalidClient, TemporarilyUnavailable, TooManyRequests, UnfitClient
from chalicelib.protocol.fapi2 import find_misfit
from chalicelib.protocol.log_redaction import redact_client
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.protocol.supported import supported
from chalicelib.records.client import Client
from chalicelib.records.item_keys import DEPLOYMENT, client_item_key, is_url
from chalicelib.upstream.http import ProviderMisbehaved, ProviderRefused, ProviderUnavailable

WINDOW_SECONDS = 900
RETRY_SECONDS = 10


def authenticate_client(
    broker: Broker, http: Request, parameters: Parameters, *, first_contact: bool = False
) -> Client:
    """The client, authenticated only by its registered method.

    first_contact   a flow may begin here, so the document of a client whose id is a URL is read first

    Uses the cache of at most 10 s; a refusal reads again. Failures are counted per address. Beyond the limit only
    failing requests must wait: a correct credential is never refused because of other requests' failures.

    An assertion costs one call more than a secret, and is consumed.

    Raises InvalidClient, InvalidRequest, TooManyRequests, TemporarilyUnavailable, and UnfitClient if the client does
    not fit the profile, whatever its credential.
    """
    presented = parse_client_credentials(http, parameters)
    if is_url(presented.client_id):
        _check_documents(broker, http, presented, first_contact=first_contact)
    try:
        client = decide_with_fresh_records(
            lambda fresh: _authenticate(broker, presented, fresh=fresh), (InvalidClient, UnfitClient)
        )
        if presented.assertion is not None:
            _claim(broker, presented.assertion)
    except InvalidClient as error:
        _count_failure(broker, http)
        raise error.noting(client_id=redact_client(presented.client_id)) from None
    count_sender_request(broker, http, client)
    return client


def _check_documents(broker: Broker, http: Request, presented: PresentedClient, *, first_contact: bool) -> None:
    """Refuse a client id URL if such clients are not allowed. Otherwise its stored client decides, except for its keys,
    which come from the current document."""
    if not broker.settings.client_id_documents:
        raise InvalidClient("client_id_documents_off")
    if first_contact or presented.assertion is not None:
        from chalicelib.endpoints.callers.client_id_documents import refresh_document

        refresh_document(broker, http, presented.client_id, only_known=not first_contact)


def _authenticate(broker: Broker, presented: PresentedClient, *, fresh: bool) -> Client:
    item_key = client_item_key(presented.client_id)
    found = broker.registry.lookup(item_key, DEPLOYMENT, fresh=fresh)
    client, deployment, now = found.get(item_key), found.get(DEPLOYMENT), broker.clock.now()
    if presented.assertion is None and (presented.method != "none" or client is None or client.is_confidential):
        peppers = {version: key.secret for version, key in broker.keys.get("pepper").versions.items()}
        verify_secret(client, presented, peppers, now)
    if client is None or client.is_over(now):
        state = "unknown" if client is None else "disabled" if client.marks.disabled else "expired"
        raise InvalidClient("client_unknown_or_over").noting(standing=state)
    if deployment is not None and deployment.marks.disabled:
        raise InvalidClient("deployment_disabled")
    check_method(client, presented)
    misfit = find_misfit(client, broker.settings)
    if misfit is not None:
        raise UnfitClient(misfit)
    if presented.assertion is not None:
        _check_assertion(broker, client, presented.assertion, now)
        verify_client_assertion(presented.assertion, _find_keys(broker, client, presented.assertion.kid))
    return client


def _check_assertion(broker: Broker, client: Client, assertion: UnverifiedAssertion, now: int) -> None:
    settings = broker.settings
    check_client_assertion(
        assertion,
        client,
        audiences=_audiences(broker, client),
        now=now,
        algorithms=supported(settings).assertion_algorithms,
        in_a_list=not settings.is_fapi2,
    )


def _audiences(broker: Broker, client: Client) -> tuple[str, ...]:
    """The issuer; for a client with a client id document also the token endpoint, except under FAPI 2.0.

    Such clients sign for the token endpoint (RFC 7523 section 3). A malicious authorization server that declares the
    broker's token endpoint as its own could replay the assertion (rfc7523bis section 1); docs/client-keys.md states
    that risk.
    """
    issuer = broker.settings.issuer
    may_name_endpoint = is_url(client.client_id) and not broker.settings.is_fapi2
    return (issuer, f"{issuer}/token") if may_name_endpoint else (issuer,)


def _find_keys(broker: Broker, client: Client, kid: str | None) -> Mapping[str, Any]:
    """The client's key set. If it is unavailable, the client must retry; if it is unusable, authentication fails."""
    if client.jwks_uri is None:
        return {"keys": list(client.jwks)}
    try:
        return broker.directory.client_jwks(client.jwks_uri, kid)
    except ProviderUnavailable as error:
        raise TemporarilyUnavailable(f"client_keys_{error.reason}", retry_after=RETRY_SECONDS) from None
    except (ProviderRefused, ProviderMisbehaved) as error:
        raise InvalidClient(f"client_keys_{error.reason}") from None


def _claim(broker: Broker, assertion: UnverifiedAssertion) -> None:
    """Consume the assertion, after every other check has passed: it is valid once."""
    mark, ends_at = assertion_mark(assertion)
    if isinstance(broker.store.claim_once(mark, now=broker.clock.now(), expires_at=ends_at), Refused):
        raise InvalidClient("assertion_replayed")


def _count_failure(broker: Broker, http: Request) -> None:
    """Count one failure, exactly for limits up to 39, which use blocks of one; above the limit without a call. The
    address is the one that the gateway reports (GEN-21)."""
    limit, now = broker.settings.failed_authentications_per_address, broker.clock.now()
    outcome = broker.limiter.spend(f"auth#{client_network(http)}", limit=limit, now=now, seconds=WINDOW_SECONDS)
    if isinstance(outcome, OverLimit):
        raise TooManyRequests("too_many_failed_authentications", retry_after=outcome.retry_after)
