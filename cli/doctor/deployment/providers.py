"""Checks the providers that users sign in with or connect."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from chalicelib.config import ConfigurationError, read_catalog
from chalicelib.encryption import open_provider_secret
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.providers.definition import ProviderDefinition, ValueRefused
from chalicelib.records.provider import ProviderRecord
from cli.deployment.operations import OperationError
from cli.deployment.secret_source import check_key
from cli.doctor.checks import Fault, Group, Skipped, Source
from cli.doctor.deployment.visit import Here

GROUP = Group("Providers")
PAGE = Source("docs/providers.md", "docs/providers.md")
MOST_DAYS = 365


@GROUP.check("providers-files", "error", fix="python3 dev.py broker provider check FILE.toml", source=PAGE)
def have_files(here: Here) -> Iterator[str | Fault]:
    """Every provider file is valid."""
    try:
        read_catalog(here.settings)
    except ConfigurationError as error:
        yield from error.faults
    for record in here.providers:
        if record.provider_id not in here.catalog.ids:
            back = "Put its file back, or run python3 dev.py broker vault reseal after each rotation of the vault key."
            yield Fault(f"{record.provider_id} is enabled but has no file", back)


@GROUP.check(
    "providers-some",
    "warning",
    fix="python3 dev.py broker provider set github --client-id ID --secret-from env:NAME",
    source=PAGE,
)
def are_some(here: Here) -> Iterator[str]:
    """At least one provider is enabled."""
    if not here.providers:
        yield "no provider is enabled"


@GROUP.check("providers-secrets", "error", fix="python3 dev.py broker provider set ...", source=PAGE)
def have_secrets(here: Here) -> Iterator[Fault]:
    """Every provider that needs a secret has one that can be decrypted and used."""
    for record, definition in _known(here):
        said = _fault_of_secret(here, record, definition)
        if said:
            again = f"broker provider set {record.provider_id} --client-id {record.client_id} --secret-from -"
            yield Fault(f"{record.provider_id}: the secret {said}", f"python3 dev.py {again}")


@GROUP.check("providers-values", "error", fix="python3 dev.py broker provider show ID", source=PAGE)
def have_values(here: Here) -> Iterator[Fault]:
    """The variables of every provider file are set and valid."""
    for record, definition in _known(here):
        show = f"python3 dev.py broker provider show {record.provider_id}"
        try:
            here.catalog.fill(record)
        except ValueRefused as refused:
            yield Fault(f"{record.provider_id}: {refused.name} is missing or invalid", show)
        if definition.discovery and not (record.issuer or definition.issuer):
            yield Fault(f"{record.provider_id} has no issuer", show)


@GROUP.check("providers-variables", "warning", fix="export NAME=SECRET", source=PAGE)
def have_variables(here: Here) -> Iterator[Fault]:
    """The environment variables that your provider files use for secrets are set here."""
    for provider_id in sorted(here.catalog.ids):
        definition = here.catalog.get(provider_id)
        registration = definition.registration if definition else None
        name = (registration.client_secret or "").removeprefix("env:") if registration else ""
        if name and not os.environ.get(name):
            yield Fault(f"{provider_id} needs {name}", f"export {name}=SECRET")


@GROUP.check(
    "providers-checked",
    "advice",
    fix="Read the provider's documentation again, and set checked_on to that day.",
    source=PAGE,
)
def were_checked(here: Here) -> Iterator[str]:
    """The files of enabled providers were checked against the documentation within a year."""
    today = datetime.fromtimestamp(here.deployment.clock.now(), UTC).date()
    for record, definition in _known(here):
        days = (today - definition.checked_on).days
        if days > MOST_DAYS:
            yield f"{record.provider_id} was checked {days} days ago"


def _known(here: Here) -> list[tuple[ProviderRecord, ProviderDefinition]]:
    pairs = [(record, here.catalog.get(record.provider_id)) for record in here.providers]
    found = [(record, definition) for record, definition in pairs if definition is not None]
    if not found:
        raise Skipped("no provider is enabled")
    return found


def _fault_of_secret(here: Here, record: ProviderRecord, definition: ProviderDefinition) -> str:
    """The fault of the secret, "" if it is valid. The text does not show the secret."""
    vault = here.read(lambda deployment: deployment.keys.get("vault"))
    try:
        secret = open_provider_secret(vault, record)
        if not record.public:
            check_key(secret, definition)
        elif definition.token_endpoint_auth_method != "none":
            return "is missing"
    except DecryptionFailed:
        return "cannot be decrypted"
    except OperationError:
        return "is not a key for this provider's algorithm"
    return ""
