"""The broker's user behind a trusted issuer's token, and everything that can revoke that user's access, in one read."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from chalicelib.issuers.verification import VerifiedIssuerToken
from chalicelib.ports import Broker, Items
from chalicelib.protocol.derived_ids import derive_standing_grant_id, derive_sub, is_linked_login
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.sealing import canonical
from chalicelib.records.issuer import Issuer
from chalicelib.records.item_keys import ItemKey, grant_item_key, subject_item_key
from chalicelib.records.subject import Subject
from chalicelib.revocation_marks import DecisionParties, revocation_keys

# No provider id contains a colon, so these name spaces never meet those of sign-ins.
ISSUER_USERS, TENANT_USERS = "issuer:", "tenant:"


class IssuerUser(Struct, frozen=True, kw_only=True):
    """The user of a token, with what was read.

    login   the `sub` of this login if its user was never erased
    life    how often it was erased
    """

    sub: str
    login: str
    life: int
    grant_id: str
    parties: DecisionParties
    found: Items

    @property
    def subject(self) -> Subject | None:
        """The user's record; None for a user who was never here."""
        return self.found.get(subject_item_key(self.sub))


def find_user(
    broker: Broker, verified: VerifiedIssuerToken, also_read: Callable[[str, str], tuple[ItemKey[Any], ...]]
) -> IssuerUser:
    """One read; one more if the user of this login was erased, and one more if the login is linked to another user.

    also_read   more item keys for the same read, from the `sub` and the grant id

    Raises InvalidToken if the link to another user was not written by the broker.
    """
    named = verified.user
    login = derive_login(broker, verified.issuer, named.subject, tenant=named.tenant)
    user = _read(broker, verified, login, also_read)
    first = user.subject
    if first is not None and first.erased and verified.user.issued_at >= (first.marks.not_before or 0):
        user = _read(broker, verified, user.login, also_read, life=first.erased)
    subject = user.subject
    if subject is None or not subject.linked_to or subject.marks.disabled:
        return user
    key = broker.keys.get("identity").current.secret
    if not is_linked_login(key, login=subject.sub, sub=subject.linked_to, mac=subject.link_mac):
        broker.log.event("alarm", kind="login_does_not_verify", sub=subject.linked_to, login=subject.sub)
        raise InvalidToken("login_does_not_verify")
    return _read(broker, verified, user.login, also_read, sub=subject.linked_to)


def derive_login(broker: Broker, issuer: Issuer, subject: str, *, tenant: str = "", life: int = 0) -> str:
    """The `sub` of one user of an issuer. With `login_of` it is the one of a sign-in at that provider (STD-02)."""
    space, name = ISSUER_USERS, issuer.issuer
    if issuer.login_of:
        space = issuer.login_of
    elif issuer.tenant_claim:
        space, name = TENANT_USERS, canonical(issuer.issuer, tenant).hex()
    key = broker.keys.get("identity").current.secret
    return derive_sub(key, provider_id=space, issuer=name, subject=subject, life=life)


def _read(
    broker: Broker,
    verified: VerifiedIssuerToken,
    login: str,
    also_read: Callable[[str, str], tuple[ItemKey[Any], ...]],
    *,
    life: int = 0,
    sub: str = "",
) -> IssuerUser:
    if not sub:
        named = verified.user
        sub = derive_login(broker, verified.issuer, named.subject, tenant=named.tenant, life=life) if life else login
    parties = DecisionParties(sub, verified.client_id, verified.issuer.login_of, verified.origin)
    grant_id = derive_standing_grant_id(
        broker.keys.get("identity").current.secret,
        sub=sub,
        client_id=verified.client_id,
        origin=verified.origin,
        path=verified.rule.kind,
    )
    found = broker.store.read(grant_item_key(grant_id), *revocation_keys(parties), *also_read(sub, grant_id))
    return IssuerUser(sub=sub, login=login, life=life, grant_id=grant_id, parties=parties, found=found)
