"""The settings of one deployment, parsed and checked once by `config`."""

from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from chalicelib.records.client import Handout

THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(Struct, frozen=True, kw_only=True):
    """One deployment is one tenant: one issuer, two tables, one key.

    issuer              the exact string of `iss` and metadata, no trailing slash; https, or http on loopback
    deployment          the name in the KMS encryption context
    epoch               raised after a restore from backup: everything older is void
    region_letter       the home region, one letter inside every handle
    adopted_letters     lost home regions whose grants this deployment decides
    profile             fapi2: the FAPI 2.0 Security Profile applies to every client, and rejects those that do not
                        fit
    *_seconds           lifetimes
    connection_unused_days   a connection without an active grant for this long is revoked at its provider
    signing_key_days    days until the schedule rotates a signing key; 0: only the operator rotates it
    key_days            the same for encryption keys, except `pepper`, which only the operator rotates, and `identity`
    require_pushed_*    for every client; else each client's registration decides
    bff_*_seconds       of the browser sessions of apps (/bff): unused, and in total
    device_*            of device codes: lifetime and poll interval; limits per 15 minutes of wrong user codes per
                        browser and of codes entered per address; total of wrong codes that raises an alarm
    registration        who may register clients over HTTP: nobody, holders of an initial access token, or everyone
    open_registration_* what clients without an initial access token may have
    registration_*      limits of registration without one; `registration_unused_days` applies to all
    handouts_per_*      hand-outs and proxied calls a minute, of one user in one client and of one client in total; 0:
                        no limit, which outside loopback also needs `handouts_unlimited`
    client_id_documents       clients may identify themselves by the URL of a client document, which is fetched
    document_fetches_per_*    limits of such fetches a minute: per requesting address, per host, and in total
    dpop_nonce          whether every DPoP proof must contain a nonce of the broker
    event_bus           name or ARN of the EventBridge bus for events that a team may act on; None: no events
    requests_per_*      a minute: per address without authentication, per authenticated client; 0: no limit
    metrics             whether the log line of a request holds CloudWatch metrics
    provider_dirs       further folders of provider files, read after the broker's own; separated by colons in the
                        environment
    theme               a TOML file with colors and a logo for the pages
    documentation       URL of the team's own pages for people who build apps, for the metadata and the front page
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
    documentation: str | None = None

    @property
    def homes(self) -> str:
        """The region letters of all handles that this deployment decides."""
        return self.region_letter + self.adopted_letters

    @property
    def is_fapi2(self) -> bool:
        """True if the FAPI 2.0 Security Profile applies to everything."""
        return self.profile == "fapi2"

    @property
    def wants_pushed(self) -> bool:
        """True if every client must push its authorization requests."""
        return self.is_fapi2 or self.require_pushed_authorization_requests

    @property
    def is_on_this_machine(self) -> bool:
        """True if the issuer is an address of the browser's own machine: what a developer needs may be shown."""
        return urlsplit(self.issuer).hostname in THIS_MACHINE

    @property
    def is_loopback(self) -> bool:
        """True only for an http issuer, which `config` allows only on loopback."""
        return self.issuer.startswith("http://")
