"""The settings of one deployment, parsed and checked once by `config`."""

from typing import Literal

from msgspec import Struct

from chalicelib.records.client import Handout


class Settings(Struct, frozen=True, kw_only=True):
    """One deployment is one tenant: one issuer, two tables, one key.

    issuer              the exact string of `iss` and metadata, no trailing slash; https, or http on loopback
    deployment          the name in the KMS encryption context
    epoch               raised after a restore from backup: everything older is void
    region_letter       the home region, one letter inside every handle
    adopted_letters     home regions that are lost, whose grants are decided here instead
    profile             fapi2: the FAPI 2.0 Security Profile for every client, and none that does not fit it
    *_seconds           lifetimes
    connection_unused_days   a connection without any live grant for so long is ended at its provider
    signing_key_days    how long a key signs before the schedule turns it; 0: until the operator does
    key_days            the same for the keys that seal, but `pepper`, which the operator alone turns, and `identity`
    require_pushed_*    of every client; else each client's registration says
    bff_*_seconds       of the browser sessions of apps (/bff): unused, and in all
    device_*            of device codes: their life, the interval of polls; wrong user codes of one browser, and codes
                        typed at one address, in 15 minutes; wrong ones in all from which an alarm is raised
    registration        who may register clients over HTTP: nobody, who holds an initial access token, or everybody
    open_registration_* what clients without an initial access token may have
    registration_*      limits of registering without one; `registration_unused_days` counts for all
    handouts_per_*      hand-outs and proxied calls a minute, of one user in one client and of one client in all; 0 for
                        no limit, which away from loopback also wants `handouts_unlimited`
    client_id_documents       clients may name themselves by the URL of a document about them; it is fetched
    document_fetches_per_*    such fetches a minute: for one address that asks, from one host, and in all
    dpop_nonce          whether every DPoP proof has to hold a nonce of ours
    event_bus           the name or ARN of an EventBridge bus that is told what a team may want to act on; None: none is
    requests_per_*      a minute: of one address that proves nothing, of one client that proves itself; 0: no limit
    metrics             whether the line of a request holds metrics for CloudWatch
    provider_dirs       further folders of provider files, read after our own; separated by colons in the environment
    theme               a TOML file with colours and a logo for the pages
    """

    issuer: str
    deployment: str = "broker"
    table: str = "broker"
    keys_table: str = "broker-keys"
    kms_key: str = "alias/broker"
    endpoint_url: str | None = None
    epoch: int = 0
    region_letter: str = "a"
    adopted_letters: str = ""
    profile: Literal["oauth", "fapi2"] = "oauth"
    code_seconds: int = 60
    access_token_seconds: int = 600
    id_token_seconds: int = 600
    refresh_grace_seconds: int = 30
    refresh_idle_seconds: int = 14 * 86400
    refresh_end_seconds: int = 30 * 86400
    refresh_tokens_unasked: bool = True
    pending_seconds: int = 600
    session_seconds: int = 12 * 3600
    signing_key_days: int = 90
    key_days: int = 365
    bff_idle_seconds: int = 3600
    bff_end_seconds: int = 12 * 3600
    require_pushed_authorization_requests: bool = False
    device_seconds: int = 600
    device_poll_seconds: int = 5
    device_tries_per_browser: int = 5
    device_tries_per_address: int = 10
    device_wrong_codes: int = 100
    registration: Literal["closed", "token", "open"] = "closed"
    open_registration_scopes: frozenset[str] = frozenset({"openid", "profile", "email", "offline_access"})
    open_registration_handout: Handout = "none"
    open_registration_resources: frozenset[str] = frozenset()
    open_registration_device: bool = False
    registration_per_address: int = 20
    registration_per_day: int = 200
    registration_total: int = 10_000
    registration_unused_days: int = 90
    client_id_documents: bool = False
    document_fetches_per_address: int = 10
    document_fetches_per_host: int = 20
    document_fetches_per_minute: int = 120
    connection_unused_days: int = 30
    failed_authentications_per_address: int = 30
    handouts_per_user: int = 300
    handouts_per_client: int = 12_000
    handouts_unlimited: bool = False
    dpop_nonce: Literal["optional", "required"] = "optional"
    event_bus: str | None = None
    requests_per_address: int = 1200
    requests_per_client: int = 24_000
    metrics: Literal["on", "off"] = "on"
    provider_dirs: tuple[str, ...] = ()
    theme: str | None = None

    @property
    def homes(self) -> str:
        """The letters of all handles that are decided here."""
        return self.region_letter + self.adopted_letters

    @property
    def is_fapi2(self) -> bool:
        """True where the FAPI 2.0 Security Profile holds for everything."""
        return self.profile == "fapi2"

    @property
    def wants_pushed(self) -> bool:
        """True where every client has to push its requests."""
        return self.is_fapi2 or self.require_pushed_authorization_requests

    @property
    def is_loopback(self) -> bool:
        """True only for an http issuer, which `config` admits on loopback alone."""
        return self.issuer.startswith("http://")
