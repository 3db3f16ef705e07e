"""Checks one deployment with the operator's credentials, read-only."""

from cli.doctor.checks import Group
from cli.doctor.deployment import clients, clock, functions, issuer, key, keysets, providers, schedule, settings, tables

GROUPS: tuple[Group, ...] = (
    settings.GROUP,
    tables.GROUP,
    key.GROUP,
    keysets.GROUP,
    clock.GROUP,
    functions.GROUP,
    providers.GROUP,
    clients.GROUP,
    schedule.GROUP,
)
NETWORK_GROUPS: tuple[Group, ...] = (issuer.GROUP,)
