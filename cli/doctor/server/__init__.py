"""Checks any authorization server from outside, without changing anything there."""

from cli.doctor.checks import Group
from cli.doctor.server import (
    agents,
    algorithms,
    authorize,
    client,
    cors,
    discovery,
    keys,
    metadata,
    token,
    transport,
    userinfo,
)

GROUPS: tuple[Group, ...] = (
    discovery.GROUP,
    transport.GROUP,
    metadata.GROUP,
    algorithms.GROUP,
    keys.GROUP,
    authorize.GROUP,
    client.GROUP,
    token.GROUP,
    userinfo.GROUP,
    cors.GROUP,
    agents.GROUP,
)
