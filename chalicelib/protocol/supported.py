"""What this deployment offers, by its profile: the one list that the metadata shows and the checks go by (META-02)."""

from msgspec import Struct

from chalicelib.protocol.client_assertion import ASSERTION_ALGORITHMS
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.dpop_result import PROOF_ALGORITHMS
from chalicelib.protocol.registration_allowances import TOKEN_EXCHANGE
from chalicelib.records.settings import Settings

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE, DEVICE_CODE)

# FAPI 2.0 section 5.4.1. Ed25519 is RFC 9864's name for what EdDSA means with that curve, which its note allows.
_FAPI2_ALGORITHMS = frozenset({"PS256", "ES256", "EdDSA", "Ed25519"})


class Supported(Struct, frozen=True, kw_only=True):
    """Names as published in the metadata.

    assertion_algorithms   of client assertions
    proof_algorithms       of proofs of possession
    """

    grant_types: tuple[str, ...]
    auth_methods: tuple[str, ...]
    assertion_algorithms: tuple[str, ...]
    proof_algorithms: tuple[str, ...]


_ALL = Supported(
    grant_types=GRANT_TYPES,
    auth_methods=("none", "client_secret_basic", "client_secret_post", "private_key_jwt"),
    assertion_algorithms=ASSERTION_ALGORITHMS,
    proof_algorithms=PROOF_ALGORITHMS,
)
# A device's code says nothing of who brought it about: with an honest client and a user of its own an attacker gets
# another user's access, which the profile's attacker model rules out.
_FAPI2 = Supported(
    grant_types=tuple(name for name in GRANT_TYPES if name != DEVICE_CODE),
    auth_methods=("private_key_jwt",),
    assertion_algorithms=tuple(name for name in ASSERTION_ALGORITHMS if name in _FAPI2_ALGORITHMS),
    proof_algorithms=tuple(name for name in PROOF_ALGORITHMS if name in _FAPI2_ALGORITHMS),
)


def supported(settings: Settings) -> Supported:
    """All that there is, or what the FAPI 2.0 Security Profile leaves of it."""
    return _FAPI2 if settings.is_fapi2 else _ALL
