"""Checks that the key set is complete, public and usable."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from cli.doctor.checks import Group, Skipped, rfc
from cli.doctor.server.visit import Server

GROUP = Group("Key set")
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
MIN_RSA_BITS = 2048
MAX_AGE_SECONDS = 86_400
FITTING = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@GROUP.check(
    "jwks-readable",
    "error",
    fix='Serve {"keys": [...]} with 200 at jwks_uri.',
    source=rfc(7517, "5"),
)
def is_readable(server: Server) -> Iterator[str]:
    """jwks_uri returns a set with at least one key."""
    server.endpoint("jwks_uri")
    try:
        _ = server.keys
    except Skipped as why:
        yield f"{why} (jwks_uri)"


@GROUP.check(
    "jwks-public",
    "error",
    fix="Replace the key at once: anyone can sign with it. Then publish only public members.",
    source=rfc(7517, "9.2"),
)
def is_public(server: Server) -> Iterator[str]:
    """No key has private or symmetric members."""
    for number, key in enumerate(server.keys):
        shown = [name for name in PRIVATE if name in key]
        if shown or key.get("kty") == "oct":
            yield f"{_name(number, key)} has {', '.join(shown) or 'kty oct'}"


@GROUP.check(
    "jwks-kid",
    "warning",
    fix="Give every key a kid of its own; its RFC 7638 thumbprint is one.",
    source=rfc(7517, "4.5"),
)
def has_names(server: Server) -> Iterator[str]:
    """Every key has a kid, and no two share one."""
    names = [key.get("kid") for key in server.keys]
    if not all(isinstance(name, str) and name for name in names):
        yield f"{sum(not name for name in names)} of {len(names)} keys have no kid"
    known = [name for name in names if isinstance(name, str) and name]
    if twice := sorted({name for name in known if known.count(name) > 1}):
        yield f"several keys have the kid {', '.join(twice)}"


@GROUP.check(
    "jwks-use",
    "warning",
    fix='Set "use": "sig" for every signing key.',
    source=rfc(7517, "4.2"),
)
def has_uses(server: Server) -> Iterator[str]:
    """Every key has a use."""
    for number, key in enumerate(server.keys):
        if "use" not in key and "key_ops" not in key:
            yield f"{_name(number, key)} has neither use nor key_ops"


@GROUP.check(
    "jwks-alg",
    "advice",
    fix="Set `alg` for every key, so that it is used for no other algorithm.",
    source=rfc(8725, "3.1"),
)
def has_algorithms(server: Server) -> Iterator[str]:
    """Every key has an alg."""
    for number, key in enumerate(server.keys):
        if not isinstance(key.get("alg"), str):
            yield f"{_name(number, key)} has no alg"


@GROUP.check(
    "jwks-strength",
    "error",
    fix="Use RSA keys of at least 2048 bits, or P-256.",
    source=rfc(7518, "3.3"),
)
def is_strong(server: Server) -> Iterator[str]:
    """RSA keys have at least 2048 bits."""
    for number, key in enumerate(server.keys):
        if key.get("kty") == "RSA" and (bits := _bits(key.get("n"))) < MIN_RSA_BITS:
            yield f"{_name(number, key)} has {bits} bits"


@GROUP.check(
    "jwks-fits",
    "error",
    fix="Publish a key for it, or remove the algorithm from id_token_signing_alg_values_supported.",
    source=rfc(8414, "2"),
)
def fits(server: Server) -> Iterator[str]:
    """A key exists for every announced algorithm of ID tokens."""
    kinds = [key.get("kty") for key in server.keys]
    for algorithm in server.words("id_token_signing_alg_values_supported"):
        wanted = FITTING.get(algorithm[:2])
        if wanted is not None and wanted not in kinds:
            yield f"no key of the set is for {algorithm}"


@GROUP.check(
    "jwks-cache",
    "advice",
    fix="Send Cache-Control with a max-age between minutes and a day: clients trust a replaced key that long.",
    source=rfc(9111, "5.2.2.1"),
)
def can_be_kept(server: Server) -> Iterator[str]:
    """The key set may be cached for at most a day."""
    told = server.jwks.header("cache-control").lower()
    age = re.search(r"max-age=([0-9]{1,9})", told)
    if age is None:
        yield f"Cache-Control is {told!r}" if told else "there is no Cache-Control"
    elif int(age[1]) > MAX_AGE_SECONDS:
        yield f"it may be cached for {age[1]} seconds"


def _name(number: int, key: dict[str, Any]) -> str:
    kid = key.get("kid")
    return f"key {kid}" if isinstance(kid, str) and kid else f"key number {number + 1}"


def _bits(modulus: object) -> int:
    """The size of an unsigned base64url integer; 0 if it is invalid."""
    if not isinstance(modulus, str):
        return 0
    try:
        return int.from_bytes(base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))).bit_length()
    except (binascii.Error, ValueError):
        return 0
