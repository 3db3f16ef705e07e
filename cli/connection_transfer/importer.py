"""broker connection import: imports tokens from another system as connections, each once, without overwriting any."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from chalicelib.endpoints.authorization.new_user import find_or_make_user
from chalicelib.endpoints.authorization.provider_user import ProviderUser
from chalicelib.ports import Broker, Refused, Written
from chalicelib.protocol.derived_ids import derive_account_id, derive_connection_id, derive_sub
from chalicelib.protocol.errors import OAuthError
from chalicelib.provider_client import Provider, ProviderSignIn
from chalicelib.providers.definition.placeholders import ValueRefused
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import (
    client_item_key,
    connection_item_key,
    consent_item_key,
    provider_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.revocation import NOT_REVOKED
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.identity import Identity
from chalicelib.upstream.token import ProviderTokens
from chalicelib.vault.connection_store import ConnectionOwner, insert_connection
from chalicelib.vault.journal_tokens import held_tokens
from cli.connection_transfer.consent import allow, knows
from cli.connection_transfer.format import Moved, NotMoved, owner_of, read_lines, seconds_of
from cli.deployment.broker import find_broker
from cli.deployment.operations import Deployment, OperationError
from cli.deployment.users import issuer_of

# Nothing is asked of a provider here.
NOWHERE = Endpoints(issuer="", authorization_endpoint="", token_endpoint="")


class Importer:
    """Brings lines in for one client.

    dry   check everything and write nothing
    """

    def __init__(self, broker: Broker, client: Client, *, dry: bool) -> None:
        self.broker, self.client, self.dry = broker, client, dry
        self._providers: dict[tuple[str, ...], Provider] = {}

    def bring(self, moved: Moved) -> str:
        """imported, would_import or present. Raises NotMoved with the reason code."""
        provider = self._provider(moved)
        arrival = self._arrival(moved, provider)
        tokens, scopes, connected_at = self._tokens(moved), self._scopes(moved, provider), self._connected_at(moved)
        consent, standing = self._look(arrival)
        if self.dry:
            return "present" if standing else "would_import"
        owner = self._owner(arrival)
        if standing is None:
            identity = Identity(issuer="", subject="", profile=dict(moved.profile))
            brought = ProviderSignIn(provider=provider, tokens=tokens, identity=identity, auth_time=None)
            result = insert_connection(self.broker, owner, brought, connected_at=connected_at)
            standing = result.found if isinstance(result, Refused) else None
            if isinstance(result, Written):
                if not self._holds(owner, result.item, tokens):
                    raise NotMoved("does_not_open")
                allow(self.broker, self.client, result.item, scopes)
                return "imported"
        if standing is None or standing.status == "revoked":
            raise NotMoved("taken_back")
        if self._holds(owner, standing, tokens) and not knows(consent, standing):
            allow(self.broker, self.client, standing, scopes)  # a run that was killed had come to here
        return "present"

    def _owner(self, arrival: ProviderUser) -> ConnectionOwner:
        places = user_key_item_key(arrival.sub), subject_item_key(arrival.sub)
        found = self.broker.store.read(*places)
        user_key, subject = find_or_make_user(
            self.broker, arrival, known_key=found.get(places[0]), known_subject=found.get(places[1])
        )
        return ConnectionOwner(
            subject=subject,
            sub=arrival.sub,
            client_id=self.client.client_id,
            connection_id=arrival.connection_id,
            user_key=user_key,
            account_id=arrival.account_id,
        )

    def _holds(self, owner: ConnectionOwner, connection: Connection, tokens: ProviderTokens) -> bool:
        return tokens.access_token in held_tokens(connection, owner.user_key)

    def _provider(self, moved: Moved) -> Provider:
        asked = (moved.provider, *(f"{name}={value}" for name, value in sorted(moved.metadata.items())))
        if asked not in self._providers:
            place = provider_item_key(moved.provider)
            record = self.broker.store.read(place).get(place)
            if record is None or record.marks.disabled:
                raise NotMoved("provider_not_switched_on")
            try:
                definition = self.broker.catalog.fill(record, moved.metadata)
            except ValueRefused:
                raise NotMoved("metadata_refused") from None
            if definition is None:
                raise NotMoved("provider_not_switched_on")
            self._providers[asked] = Provider(
                definition=definition, record=record, endpoints=NOWHERE, metadata=moved.metadata
            )
        return self._providers[asked]

    def _arrival(self, moved: Moved, provider: Provider) -> ProviderUser:
        """The user of the line. An erased user stays erased, even if another system still has data."""
        key, client_id = self.broker.keys.get("identity").current.secret, self.client.client_id
        account_id, login = moved.account_id, moved.sub
        if not login:
            issuer = moved.issuer or self._issuer(moved.provider)
            account_id = derive_account_id(key, provider_id=moved.provider, issuer=issuer, subject=moved.subject)
            whose = moved.user_provider or moved.provider
            login = derive_sub(
                key,
                provider_id=whose,
                issuer=moved.user_issuer or (issuer if whose == moved.provider else self._issuer(whose)),
                subject=moved.user_subject or moved.subject,
            )
        subject = self.broker.store.read(subject_item_key(login)).get(subject_item_key(login))
        if subject is None and moved.sub:
            raise NotMoved("user_unknown")
        if subject is not None and (subject.erased or subject.marks.disabled):
            raise NotMoved("user_erased" if subject.erased else "user_disabled")
        sub = owner_of(login, subject, key)
        connection_id = derive_connection_id(key, sub=sub, client_id=client_id, account_id=account_id)
        return ProviderUser(sub=sub, account_id=account_id, connection_id=connection_id, login=login)

    def _issuer(self, provider_id: str) -> str:
        issuer = issuer_of(self.broker, provider_id)
        if not issuer:
            raise NotMoved("issuer_missing")
        return issuer

    def _connected_at(self, moved: Moved) -> int:
        """Never later than now, because a kill switch voids only earlier connections."""
        now = self.broker.clock.now()
        return min(seconds_of(moved.connected_at) or now, now)

    @staticmethod
    def _tokens(moved: Moved) -> ProviderTokens:
        return ProviderTokens(
            access_token=moved.access_token,
            refresh_token=moved.refresh_token or None,
            expires_at=seconds_of(moved.expires_at),
            granted=frozenset(moved.scope.split()),
        )

    def _scopes(self, moved: Moved, provider: Provider) -> frozenset[str]:
        """The scopes that this client may use, as named here."""
        granted = provider.definition.expand(frozenset(moved.scope.split()))
        mine = frozenset(f"{moved.provider}:{scope}" for scope in granted) & self.client.scopes
        if not mine or not self.client.may_use(moved.provider):
            raise NotMoved("client_may_not_have_it")
        return mine

    def _look(self, arrival: ProviderUser) -> tuple[Consent | None, Connection | None]:
        """The existing connection. Raises NotMoved if it was revoked."""
        places = consent_item_key(arrival.sub, self.client.client_id), connection_item_key(arrival.connection_id)
        found = self.broker.store.read(*places)
        consent, standing = found.get(places[0]), found.get(places[1])
        if standing is not None:
            return consent, standing
        is_over = consent is not None and 0 < consent.ends_at <= self.broker.clock.now()
        if consent is not None and (is_over or consent.marks != NOT_REVOKED or consent.paused_at):
            raise NotMoved("taken_back")
        return consent, None


def import_lines(importer: Importer, text: str) -> dict[str, Any]:
    """The result of every line; the counts add up to the number of lines read."""
    outcomes, left = Counter[str](), list[dict[str, Any]]()
    for number, moved in read_lines(text):
        try:
            if isinstance(moved, NotMoved):
                raise moved
            outcome = importer.bring(moved)
            if outcome == "present":
                left.append({"line": number, "why": outcome})
        except NotMoved as why:
            outcome = str(why)
            left.append({"line": number, "why": outcome})
        except OAuthError as error:
            outcome = error.reason
            left.append({"line": number, "why": outcome})
        outcomes[outcome] += 1
    done = outcomes["imported"] + outcomes["would_import"]
    present = outcomes["present"]
    read = sum(outcomes.values())
    return {"read": read, "imported": done, "present": present, "left": read - done - present, "lines": left}


def _import(deployment: Deployment, options: argparse.Namespace) -> Any:
    broker = find_broker(deployment)
    place = client_item_key(options.client)
    client = broker.store.read(place).get(place)
    if client is None or client.deleted_at:
        raise OperationError("no such client", "broker client list")
    try:
        text = Path(options.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise OperationError("the file cannot be read as text", "give JSON lines or CSV: docs/moving.md") from None
    told = import_lines(Importer(broker, client, dry=options.dry_run), text)
    if not options.dry_run:
        broker.log.event("connections_imported", client_id=client.client_id, count=told["imported"], by="operator")
    if told["left"]:
        rest = "the others were imported" if told["imported"] or told["present"] else "nothing was imported"
        rest = "nothing was written" if options.dry_run else rest
        raise OperationError(
            f"{told['left']} of {told['read']} lines were not imported; {rest}",
            "docs/moving.md explains each reason",
            told,
        )
    return {name: told[name] for name in ("read", "imported", "present", "left")}


def add_parser(verbs: Any, common: argparse.ArgumentParser) -> None:
    """broker connection import."""
    words = verbs.add_parser("import", parents=[common], help="import tokens from another system")
    words.add_argument("file", metavar="FILE", help="JSON lines or CSV, one connection each: docs/moving.md")
    words.add_argument("--client", required=True, metavar="ID", help="the app that may use the connections")
    words.add_argument(
        "--dry-run", action="store_true", help="print the result for every line without writing anything"
    )
    words.set_defaults(act=_import)
