"""What the operator set for one provider; what the provider *is* stands in its TOML file."""

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class ProviderRecord(Struct, frozen=True, kw_only=True):
    """Our registration at one provider. Without this record a provider file is not switched on.

    issuer          for generic OpenID Connect files, whose issuer the operator names; else None
    variables       the operator's values for `[variables]` of the file, by name
    sealed_secret   our client secret there, sealed under the vault key for client_id, issuer and variables; never None
                    in what the broker itself has written
    public          registered without a secret: what is sealed is empty, and binds the rest all the same
    moved_at        epoch seconds: tokens that were connected before are for other hosts than those that are asked now
    """

    provider_id: str
    client_id: str
    sealed_secret: bytes | None = None
    public: bool = False
    issuer: str | None = None
    variables: dict[str, str] = {}
    marks: Revocation = NOT_REVOKED
    moved_at: int = 0

    def issued(self, connected_at: int) -> bool:
        """False where what came then came from other hosts: no token of it is shown to those of today."""
        return connected_at >= self.moved_at
