"""The access that a trusted issuer's token gives at this moment: the same checks as for one of the broker's tokens.

One strongly consistent batch read returns the issuer's record again, and everything else that can refuse. Only this
read decides; the cached record only saved a fetch.
"""

from collections.abc import Callable
from typing import Any

from chalicelib.access_token_check import AuthorizedToken, Claims
from chalicelib.grant_scopes import usable_scopes
from chalicelib.issuers.standing_grants import begin_standing_grant, find_standing_grant
from chalicelib.issuers.users import IssuerUser, find_user
from chalicelib.issuers.verification import VerifiedIssuerToken
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.grant_refusals import PAUSED, PAUSED_MEMBERS
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    ItemKey,
    client_item_key,
    consent_item_key,
    issuer_item_key,
    provider_item_key,
)
from chalicelib.revocation_marks import cutoff_of, find_revocation_among

NEW_TOKEN_MEMBERS: dict[str, object] = {"retry": "with_new_token"}


def use_issuer_token(
    broker: Broker,
    verified: VerifiedIssuerToken,
    *,
    also_read: Callable[[Claims], tuple[ItemKey[Any], ...]] = lambda claims: (),
) -> AuthorizedToken:
    """Check all revocations, and begin the standing grant if there is none that counts.

    also_read   more item keys for the same read, from the claims that a token of the broker would have

    Raises InvalidToken; TooManyRequests, TemporarilyUnavailable.
    """
    now = broker.clock.now()
    user = find_user(broker, verified, lambda sub, grant_id: also_read(_claims(verified, sub, grant_id)))
    _check_record(verified, user)
    _check_not_revoked(verified, user, now)
    client = user.found.get(client_item_key(verified.client_id))
    if client is None:
        raise InvalidToken("client_over")
    consent = user.found.get(consent_item_key(user.sub, client.client_id))
    grant = find_standing_grant(broker, user, now) if consent is not None else None
    if grant is None or consent is None:
        grant, consent = begin_standing_grant(broker, verified, user, client, now)
    return _authorize(broker, verified, user, grant, consent, client=client)


def _authorize(
    broker: Broker, verified: VerifiedIssuerToken, user: IssuerUser, grant: Grant, consent: Consent, *, client: Client
) -> AuthorizedToken:
    of_other_rules = verified.issuer.scopes_for(verified.rule.kind, client.client_id) - verified.rule.scopes
    scopes = usable_scopes(broker, grant, consent, client, user.found) - of_other_rules
    claims = {
        **_claims(verified, user.sub, grant.grant_id),
        "grant_version": grant.version,
        "scope": serialize(scopes),
        **({"shown_sub": grant.shown_sub} if grant.shown_sub else {}),
    }
    return AuthorizedToken(claims=claims, client=client, scopes=scopes, grant=grant, consent=consent, found=user.found)


def _check_record(verified: VerifiedIssuerToken, user: IssuerUser) -> None:
    """The issuer's record as it is stored now: the rule must still be there, and the keys must be young enough."""
    issuer = user.found.get(issuer_item_key(verified.origin))
    if issuer is None or issuer.marks.disabled:
        raise InvalidToken("issuer_unknown")
    if verified.rule not in issuer.rules or issuer.keys_after != verified.issuer.keys_after:
        raise InvalidToken("issuer_changed")
    if (issuer.tenants, issuer.login_of) != (verified.issuer.tenants, verified.issuer.login_of):
        raise InvalidToken("issuer_changed")
    own = user.found.get(provider_item_key(issuer.login_of)) if issuer.login_of else None
    if own is not None and own.client_id == verified.rule.audience:
        raise InvalidToken("token_for_the_broker_itself")


def _check_not_revoked(verified: VerifiedIssuerToken, user: IssuerUser, now: int) -> None:
    """A token that was issued before a cutoff begins nothing and uses nothing (STD-05). Raises InvalidToken."""
    end = find_revocation_among(user.found, user.parties, verified.counts_from, now=now, first_time=True)
    if end == PAUSED:
        raise InvalidToken(PAUSED, members=PAUSED_MEMBERS)
    if end is None:
        return
    later = max(now, cutoff_of(user.found, user.parties))
    stays = find_revocation_among(user.found, user.parties, later, now=now, first_time=True) is not None
    raise InvalidToken(end, members={} if stays else NEW_TOKEN_MEMBERS)


def _claims(verified: VerifiedIssuerToken, sub: str, grant_id: str) -> dict[str, Any]:
    return {
        "sub": sub,
        "client_id": verified.client_id,
        "grant_id": grant_id,
        "provider": verified.issuer.login_of,
        "origin": verified.origin,
    }
