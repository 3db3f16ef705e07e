"""Checks scopes and providers that an operator types. An unknown name is refused with the nearest known one."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from chalicelib.config import ConfigurationError, read_catalog
from chalicelib.endpoints.callers.clients import OWN_SCOPES
from chalicelib.protocol.scope import serialize
from chalicelib.providers.catalog import Catalog
from chalicelib.records.client import Client
from chalicelib.records.resource import Resource
from cli.deployment.operations import Deployment, OperationError, list_providers, list_resources
from cli.nearest import nearest, suggest

FORCE_HELP = "accept a scope that the provider file does not list"


def find_catalog(deployment: Deployment) -> Catalog:
    """All provider files. Raises OperationError."""
    try:
        return read_catalog(deployment.settings)
    except ConfigurationError as error:
        raise OperationError("; ".join(error.faults), "broker provider check FILE.toml") from None


def check_scopes(deployment: Deployment, catalog: Catalog, scopes: Iterable[str], *, force: bool = False) -> None:
    """Raises OperationError for the first scope that neither the broker, a resource nor a provider file lists.

    force   a provider's scope that its file does not list is accepted
    """
    for scope, may_force in find_unknown(scopes, catalog, list_resources(deployment)):
        if may_force and force:
            continue
        near = nearest(scope, list_scopes(catalog, scope, list_resources(deployment)))
        hints = [f"did you mean {near}?"] if near else []
        hints += ["add --force if the provider has this scope"] if may_force else []
        hints += [] if hints else ["broker provider show ID lists a provider's scopes, broker resource list your APIs'"]
        raise OperationError(f"no provider file and no resource has the scope {scope}", "; or ".join(hints))


def check_providers(catalog: Catalog, provider_ids: Iterable[str]) -> None:
    """Raises OperationError for the first that has no file."""
    for provider_id in sorted(set(provider_ids) - catalog.ids - {"*"}):
        hint = suggest(provider_id, catalog.ids, "broker provider list")
        raise OperationError(f"no such provider file: {provider_id}", hint)


def find_unknown(scopes: Iterable[str], catalog: Catalog, resources: Iterable[Resource]) -> Iterator[tuple[str, bool]]:
    """Each unlisted scope, and whether it is a provider's: a provider file may be incomplete."""
    ours = OWN_SCOPES.union(*(resource.scopes for resource in resources))
    for scope in sorted(scopes):
        provider_id, colon, name = scope.partition(":")
        definition = catalog.get(provider_id) if colon and provider_id in catalog.ids else None
        if definition is None:
            if scope not in ours:
                yield scope, False
        elif name not in definition.scopes and name not in definition.sign_in_scopes:
            yield scope, True


def list_scopes(catalog: Catalog, scope: str, resources: Iterable[Resource]) -> list[str]:
    """The scopes to suggest: those of the named provider, else all."""
    provider_id, colon, _ = scope.partition(":")
    ids = {provider_id} if colon and provider_id in catalog.ids else catalog.ids
    definitions = [definition for one in sorted(ids) if (definition := catalog.get(one)) is not None]
    theirs = [f"{one.provider_id}:{name}" for one in definitions for name in one.scopes]
    return [*OWN_SCOPES.union(*(resource.scopes for resource in resources)), *theirs]


def list_unusable(deployment: Deployment, catalog: Catalog, client: Client) -> list[str]:
    """What a new client may request but could not use, each with the command that helps."""
    switched_on = {record.provider_id for record in list_providers(deployment) if not record.marks.disabled}
    found = find_unusable(client, catalog, switched_on)
    return [f"{one.fault}: {one.command or 'add ' + one.option}" for one in found]


class Unusable(NamedTuple):
    """One thing that a client may request but not use; an option of `create` and `update`, or another command, changes
    it.
    """

    fault: str
    option: str = ""
    command: str = ""


def find_unusable(client: Client, catalog: Catalog, switched_on: Collection[str]) -> Iterator[Unusable]:
    """Scopes of providers for which the client gets no token."""
    theirs: dict[str, set[str]] = {}
    for scope in client.scopes:
        provider_id, colon, _ = scope.partition(":")
        if colon and provider_id in catalog.ids:
            theirs.setdefault(provider_id, set()).add(scope)
    if theirs and client.handout == "none":
        said = serialize(set().union(*theirs.values()))
        yield Unusable(f"it may request {said} but gets no provider's tokens", "--handout token or --handout proxy")
    for provider_id in sorted(theirs):
        if "*" not in client.providers and provider_id not in client.providers:
            yield Unusable(
                f"it may request scopes of {provider_id} but may not use that provider", f"--provider {provider_id}"
            )
        elif provider_id not in switched_on:
            command = f"broker provider set {provider_id} --client-id ID --secret-from -"
            yield Unusable(f"it may request scopes of {provider_id}, which is not enabled", command=command)
