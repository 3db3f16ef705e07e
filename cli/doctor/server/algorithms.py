"""Checks the signature algorithms of tokens, assertions and proofs."""

from collections.abc import Iterator

from cli.doctor.checks import Group, rfc
from cli.doctor.server.visit import Server

GROUP = Group("Algorithms")
LISTS = "signing_alg_values_supported"
OURS_TO_VERIFY = ("id_token", "userinfo", "introspection", "authorization", "dpop")


@GROUP.check(
    "algorithm-none",
    "error",
    fix="Remove `none` from every list: an unsigned token can be forged by anyone.",
    source=rfc(8725, "3.2"),
)
def offers_no_none(server: Server) -> Iterator[str]:
    """No list of algorithms contains `none`."""
    for name in sorted(server.metadata):
        if name.endswith(LISTS) and "none" in (one.lower() for one in server.words(name)):
            yield f"{name} has none"


@GROUP.check(
    "algorithm-symmetric",
    "warning",
    fix="Sign with ES256, PS256, RS256 or EdDSA: with HS256, every verifier of a token can also forge one.",
    source=rfc(8725, "3.5"),
)
def offers_no_shared_key(server: Server) -> Iterator[str]:
    """Signatures for other parties use a private key, not a shared secret."""
    for kind in OURS_TO_VERIFY:
        name = f"{kind}_{LISTS}"
        shared = [one for one in server.words(name) if one.startswith("HS")]
        if shared:
            yield f"{name} has {', '.join(shared)}"
