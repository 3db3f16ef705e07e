"""The scopes that a grant gives now: of consent and registrations and, for a standing grant, of the issuer's rules."""

from chalicelib.ports import Broker, Items
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.scope import split_by_provider
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import issuer_item_key
from chalicelib.revocation_marks import DecisionParties, find_revocation_among


def usable_scopes(broker: Broker, grant: Grant, consent: Consent, client: Client, found: Items) -> frozenset[str]:
    """The scopes of the grant that nothing has removed since.

    found   a read of the grant's `revocation_keys`

    Raises InvalidToken if the acceptance rule that opened a standing grant is gone (ISS-29).
    """
    if not grant.origin:
        return consent.scopes & grant.scopes & client.scopes
    issuer = found.get(issuer_item_key(grant.origin))
    if issuer is None or not issuer.rules_for(grant.path, client.client_id):
        raise InvalidToken("acceptance_rule_gone")
    own = (consent.vouched - consent.withheld) & issuer.scopes_for(grant.path, client.client_id)
    allowed = own | consented_scopes(broker, consent, client, found, DecisionParties.of_grant(grant))
    return allowed & grant.scopes & client.scopes


def consented_scopes(
    broker: Broker, consent: Consent, client: Client, found: Items, parties: DecisionParties
) -> frozenset[str]:
    """The provider scopes that the user allowed this client on a page; none if that decision no longer counts (STD-21).

    found     a read of the `revocation_keys` of these parties
    parties   of a standing grant
    """
    if (consent.epoch, consent.client_revision) != (broker.settings.epoch, client.revision):
        return frozenset()
    now = broker.clock.now()
    if find_revocation_among(found, parties, consent.decided_at, now=now, first_time=True) is not None:
        return frozenset()
    return consent.scopes - split_by_provider(consent.scopes, broker.catalog.ids).get("", frozenset())
