"""Checks the settings of the functions."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from chalicelib.config import ConfigurationError, read_theme
from cli.doctor.checks import Fault, Group, rfc
from cli.doctor.deployment.visit import DEPLOY, Here

GROUP = Group("Settings")


@GROUP.check(
    "settings-whole",
    "error",
    fix="Set it as described. The function reads it from environment_variables in .chalice/config.json.",
    source=DEPLOY,
)
def are_whole(here: Here) -> Iterator[str | Fault]:
    """Every setting is present and valid and disables no protection, so the broker can start."""
    for fault in here.faults:
        unknown = re.fullmatch(r"(BROKER_\w+) is not a setting", fault)
        missing = re.fullmatch(r"(BROKER_\w+) is (?:missing|empty)", fault)
        named = unknown or missing
        fix = (f"unset {named[1]}" if unknown else f"export {named[1]}=VALUE") if named else None
        yield Fault(fault, fix)


@GROUP.check(
    "settings-issuer-path",
    "warning",
    fix="Give the API a custom domain with an empty base path, and set BROKER_ISSUER=https://HOST without a path.",
    source=rfc(8414, "3.1"),
)
def has_no_path(here: Here) -> Iterator[str]:
    """The issuer has no path: with a bare stage URL, metadata cannot be served where RFC 8414 requires it."""
    if path := urlsplit(here.settings.issuer).path:
        yield f"the issuer ends in {path}"


@GROUP.check(
    "settings-theme",
    "error",
    fix="Fix the file that BROKER_THEME names; see its keys in docs/pages.md.",
    source=DEPLOY,
)
def has_theme(here: Here) -> Iterator[str]:
    """The theme file of the pages is valid."""
    try:
        read_theme(here.settings)
    except ConfigurationError as error:
        yield from error.faults


@GROUP.check(
    "settings-strangers",
    "warning",
    fix="Set BROKER_OPEN_REGISTRATION_HANDOUT=none, or let clients register by a token: BROKER_REGISTRATION=token.",
    source=rfc(7591, "5"),
)
def hands_out_to_no_stranger(here: Here) -> Iterator[str]:
    """Self-registered apps get no provider tokens."""
    settings = here.settings
    if settings.is_loopback or settings.registration != "open":
        return
    if settings.open_registration_handout != "none":
        yield f"anyone may register an app with the token hand-out {settings.open_registration_handout}"
