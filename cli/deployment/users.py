"""Finds a user by the account that the user signs in with."""

import argparse
from collections.abc import Callable

from chalicelib.issuers.users import derive_login
from chalicelib.ports import Broker
from chalicelib.protocol.derived_ids import derive_sub
from chalicelib.records.item_keys import issuer_id, issuer_item_key, provider_item_key, subject_item_key
from cli.deployment.operations import OperationError


def issuer_of(broker: Broker, provider_id: str) -> str | None:
    """The issuer whose name space the provider's subjects are in; None if each sign-in sets it."""
    definition, place = broker.catalog.get(provider_id), provider_item_key(provider_id)
    record = broker.store.read(place).get(place)
    if definition is None:
        return None
    return definition.identity.issuer or (record and record.issuer) or definition.issuer


def find_sub(broker: Broker, options: argparse.Namespace) -> str:
    """The user who signs in with that account now. Raises OperationError."""
    if options.issuer and not options.provider:
        return _find_issuer_user(broker, options)
    definition = broker.catalog.get(options.provider or "")
    if definition is None or not options.account:
        raise OperationError("name the user", "give a SUB, or --provider ID --account SUBJECT")
    issuer = options.issuer or issuer_of(broker, options.provider)
    if not issuer:
        raise OperationError(f"which issuer does the subject {options.account} belong to?", "add --issuer URL")
    key = broker.keys.get("identity").current.secret
    named = {"provider_id": options.provider, "issuer": issuer, "subject": options.account}
    return _find_owner(broker, options, lambda life: derive_sub(key, **named, life=life))


def _find_issuer_user(broker: Broker, options: argparse.Namespace) -> str:
    """The user whom a trusted issuer calls so. A tenant's user is named TENANT/SUBJECT."""
    place = issuer_item_key(issuer_id(options.issuer))
    issuer = broker.store.read(place).get(place)
    if issuer is None or not options.account:
        raise OperationError("name the user", "give a SUB, --provider ID --account SUBJECT, or --issuer URL --account")
    tenant, _, subject = options.account.partition("/") if issuer.tenant_claim else ("", "", options.account)
    return _find_owner(broker, options, lambda life: derive_login(broker, issuer, subject, tenant=tenant, life=life))


def _find_owner(broker: Broker, options: argparse.Namespace, derive: Callable[[int], str]) -> str:
    """The user of a login: after an erasure the next one, and after a link the one that it was added to."""
    login = derive(0)
    found = broker.store.read(subject_item_key(login)).get(subject_item_key(login))
    sub = derive(found.erased) if found and found.erased else login
    owner = broker.store.read(subject_item_key(sub)).get(subject_item_key(sub))
    if owner is None:
        hint = "broker connection list; an account is the provider's stable id, never an email address"
        raise OperationError(f"no user has the account {options.account} at {options.provider or options.issuer}", hint)
    return owner.linked_to if owner.linked_to and not owner.marks.disabled else sub
