"""The operator's registration at one provider. The provider's TOML file describes the provider itself."""

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class ProviderRecord(Struct, frozen=True, kw_only=True):
    """The broker's registration at one provider. Without this record the provider is disabled.

    issuer          for generic OpenID Connect files, whose issuer the operator sets; else None
    variables       the operator's values for `[variables]` of the file, by name
    sealed_secret   the broker's client secret there, encrypted under the vault key for client_id, issuer and
                    variables; never None in records that the broker wrote
    public          registered without a secret: the encrypted value is empty, but still binds the other fields
    moved_at        epoch seconds: earlier connections hold tokens for other hosts than the present ones
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
        """False if tokens of that time came from other hosts: they are never sent to the present ones."""
        return connected_at >= self.moved_at
