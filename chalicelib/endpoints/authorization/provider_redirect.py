"""From the decision to the provider: the browser carries everything that the callback needs, encrypted."""

import base64
from collections.abc import Mapping
from typing import Literal

import msgspec

from chalicelib.endpoints.authorization.login_age import account_max_age, max_age_of
from chalicelib.endpoints.authorization.stored_request import store_request
from chalicelib.endpoints.browser.cookies import SLOT_BYTES, Headers, seal_pending, set_pending
from chalicelib.endpoints.browser.sealed_values import seal_client_reference
from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.endpoints.callers.clients import ClientContext, consent_time, load_providers, time_after_cutoffs
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.provider_client import load_definition, load_provider
from chalicelib.records.link import Link
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.revocation import NOT_REVOKED
from chalicelib.records.sign_in import AuthorizationRequest, KeptRequest, Pending
from chalicelib.upstream.authorization import build_authorization_url
from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.http import ProviderMisbehaved, ProviderRefused, ProviderUnavailable
from chalicelib.vault.rules.connection_merge import provider_scopes

# In `state` instead of a reference to a client: a callback without its cookie leads to the account page.
ACCOUNT_STATE = "account"


def redirect_to_provider(
    broker: Broker,
    http: Request,
    request: AuthorizationRequest,
    context: ClientContext,
    *,
    provider_id: str,
    allowed: frozenset[str],
    grant_id: str,
    decided_by: str,
    in_a_day: bool = False,
    stored: str = "",
    asks_again: bool = False,
) -> tuple[str, Headers]:
    """The provider's URL for this decision, and the cookie that carries the decision.

    stored       id of a pushed request; the cookie contains only this id
    asks_again   the user revoked this access: the provider shows its consent page if it can, unless the client requires
                a login there

    Raises PageError if the provider is unavailable.
    """
    pending = Pending(
        request=None if stored else request,
        stored=stored,
        provider_id=provider_id,
        state=_random(broker) + "." + seal_client_reference(broker, request.client_id),
        nonce=_random(broker),
        code_verifier=_random(broker),
        grant_id=grant_id,
        code_secret=broker.entropy.token_bytes(16),
        allowed=allowed,
        decided_at=consent_time(broker, context, provider_id),
        decided_by=decided_by,
        device_round=request.device_round,
        in_a_day=in_a_day,
    )
    prompt = " ".join(sorted(request.prompt & {"login", "select_account"})) or ("consent" if asks_again else "")
    extra = {"login_hint": request.login_hint, "prompt": prompt or None, "max_age": max_age_of(request)}
    extra |= {"ui_locales": request.ui_locales, "acr_values": request.acr_values}
    url = _provider_url(broker, context.providers[provider_id], pending, extra)
    sealed = seal_pending(broker, pending)
    if len(sealed) > SLOT_BYTES and not stored:
        sealed = seal_pending(broker, _store_request(broker, pending, request))
    return url, set_pending(broker, http, pending, sealed)


def redirect_for_link(
    broker: Broker,
    http: Request,
    link: Link,
    context: ClientContext,
    *,
    purpose: Literal["connect", "show_login"],
    allowed: frozenset[str] = frozenset(),
) -> tuple[str, Headers]:
    """The provider's URL for a connect link, and the cookie that carries the link; the provider offers a choice of
    accounts if it can. To show a login, only the login's own scopes are requested, and no token is stored.

    Raises PageError if the provider is disabled or unavailable.
    """
    connects = purpose == "connect"
    provider_id = link.provider_id if connects else link.login
    if provider_id not in context.providers:
        raise PageError("provider_switched_off", page="provider_unavailable")
    pending = Pending(
        request=None,
        provider_id=provider_id,
        state=_random(broker) + "." + seal_client_reference(broker, link.client_id),
        nonce=_random(broker),
        code_verifier=_random(broker),
        grant_id=link.link_id if connects else broker.entropy.token_bytes(16).hex(),
        code_secret=b"",
        allowed=allowed,
        decided_at=consent_time(broker, context, provider_id),
        decided_by=f"session:{link.sub}" if connects else "page",
        purpose=purpose,
        link=link,
    )
    extra = {"prompt": "select_account" if connects else None}
    url = _provider_url(broker, context.providers[provider_id], pending, extra)
    return url, set_pending(broker, http, pending, seal_pending(broker, pending))


def redirect_for_account(
    broker: Broker,
    http: Request,
    provider_id: str,
    *,
    decided_by: str,
    purpose: Literal["account", "add_login"] = "account",
) -> tuple[str, Headers]:
    """The provider's URL for a sign-in to the user's own page, and its cookie. No client is involved, only the login's
    own scopes are requested, and no token is stored.

    decided_by   "page", or "session:<sub>" if that user has to prove a fresh login

    Raises PageError if the provider is disabled or unavailable.
    """
    providers, deployment = load_providers(broker)
    record = providers.get(provider_id)
    if record is None:
        raise PageError("provider_switched_off", page="provider_unavailable", link=account_uri(broker))
    pending = Pending(
        request=None,
        provider_id=provider_id,
        state=f"{_random(broker)}.{ACCOUNT_STATE}",
        nonce=_random(broker),
        code_verifier=_random(broker),
        grant_id=broker.entropy.token_bytes(16).hex(),
        code_secret=b"",
        allowed=frozenset(),
        decided_at=time_after_cutoffs(broker, record.marks, deployment.marks if deployment else NOT_REVOKED),
        decided_by=decided_by,
        purpose=purpose,
    )
    max_age = account_max_age(decided_by)
    extra = {"prompt": "login" if max_age == 0 else None, "max_age": max_age}
    url = _provider_url(broker, record, pending, extra)
    return url, set_pending(broker, http, pending, seal_pending(broker, pending))


def _provider_url(broker: Broker, record: ProviderRecord, pending: Pending, extra: Mapping[str, object]) -> str:
    try:
        provider = load_provider(broker, record)
    except (ProviderUnavailable, ProviderMisbehaved, ProviderRefused) as error:
        broker.log.event("provider_unavailable", provider_id=pending.provider_id, reason=error.reason)
        raise PageError("provider_unavailable", page="provider_unavailable", status=503) from None
    return build_authorization_url(
        provider.definition,
        provider.endpoints,
        client_id=record.client_id,
        redirect_uri=callback_uri(broker.settings.issuer, pending.provider_id),
        scopes=provider_scopes(pending.allowed, pending.provider_id),
        state=pending.state,
        nonce=pending.nonce,
        code_verifier=pending.code_verifier,
        extra=extra,
    )


def _store_request(broker: Broker, pending: Pending, request: AuthorizationRequest) -> Pending:
    """Store a request that is too large for a cookie in the table, encrypted; the cookie contains its id."""
    expires_at = pending.decided_at + broker.settings.pending_seconds
    stored = store_request(broker, KeptRequest(request=request, allowed=pending.allowed), expires_at=expires_at)
    return msgspec.structs.replace(pending, request=None, allowed=frozenset(), stored=stored)


def _random(broker: Broker) -> str:
    """43 characters of base64url, 256 bits."""
    return base64.urlsafe_b64encode(broker.entropy.token_bytes(32)).rstrip(b"=").decode()


def provider_name(broker: Broker, provider_id: str) -> str:
    """The provider's name on pages."""
    return load_definition(broker, provider_id).display_name
