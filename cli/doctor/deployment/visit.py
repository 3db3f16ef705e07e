"""One deployment as the doctor sees it: its settings, and AWS data that is read at first use."""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, TypeVar

from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable, call_with_repeats
from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.config import ConfigurationError, read_catalog, read_settings
from chalicelib.ports import StoreUnavailable
from chalicelib.providers.catalog import Catalog
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem
from cli.deployment.aws import NOT_SIGNED_IN, BotoTransport
from cli.deployment.keysets import list_keysets
from cli.deployment.operations import Deployment, list_providers
from cli.doctor.checks import Skipped, Source
from cli.doctor.server.asking import Asker
from cli.doctor.server.published import Published

DEPLOY = Source("docs/deploy.md", "docs/deploy.md")
T = TypeVar("T")
DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")


class Refused(Skipped):
    """AWS returned an error other than a denial; `code` is its name."""

    def __init__(self, code: str) -> None:
        super().__init__(f"AWS returned {code}")
        self.code = code


class Here:
    """One deployment.

    environ   its BROKER_... variables
    allow     loopback addresses that may be called: the issuer's, if it is one
    """

    def __init__(self, environ: Mapping[str, str], *, allow: tuple[LocalTarget, ...] = ()) -> None:
        self.environ = environ
        self.faults: tuple[str, ...] = ()
        self._settings: Settings | None = None
        self._known: dict[str, dict[str, Any] | Skipped] = {}
        self.asker = Asker(allow=allow)
        try:
            self._settings = read_settings(environ)
        except ConfigurationError as error:
            self.faults = error.faults

    @property
    def settings(self) -> Settings:
        """Raises Skipped if they are incomplete."""
        if self._settings is None:
            raise Skipped("the settings are incomplete")
        return self._settings

    @cached_property
    def deployment(self) -> Deployment:
        """Raises Skipped."""
        dynamodb, kms = (_transport(service, self.settings.endpoint_url) for service in ("dynamodb", "kms"))
        return Deployment(self.settings, dynamodb=dynamodb, kms=kms)

    @cached_property
    def catalog(self) -> Catalog:
        """Raises Skipped."""
        try:
            return read_catalog(self.settings)
        except ConfigurationError:
            raise Skipped("the provider files cannot be read") from None

    @cached_property
    def providers(self) -> list[ProviderRecord]:
        """The enabled ones. Raises Skipped."""
        return [record for record in self.read(list_providers) if not record.marks.disabled]

    @cached_property
    def keysets(self) -> list[KeysetItem]:
        """Raises Skipped."""
        return self.read(list_keysets)

    @cached_property
    def published(self) -> Published:
        """The issuer's metadata, fetched over the network. Raises Skipped."""
        return Published(self.settings.issuer, self.asker)

    def read(self, read: Callable[[Deployment], T]) -> T:
        """The content of the tables, read with the broker's own code. Raises Skipped."""
        try:
            return read(self.deployment)
        except (AwsRefusal, AwsUnreachable, StoreUnavailable) as error:
            raise Skipped(f"the tables or keys cannot be read ({error})") from None
        except ConfigurationError:
            raise Skipped("the provider files or the theme are invalid") from None

    def only_deployed(self) -> None:
        """Raises Skipped for a local stack, which has no backups and no roles."""
        if self.settings.is_loopback:
            raise Skipped("this is a local stack")

    def ask(self, service: str, operation: str, **payload: Any) -> dict[str, Any]:
        """One read call, made once. Raises Refused; Skipped if AWS denies it or cannot be reached."""
        key = f"{service} {operation} {sorted(payload.items())}"
        if key not in self._known:
            self._known[key] = self._ask(service, operation, payload)
        found = self._known[key]
        if isinstance(found, Skipped):
            raise found
        return found

    def table(self, name: str) -> dict[str, Any] | None:
        """DynamoDB's description of a table; None if it does not exist. Raises Skipped."""
        try:
            described: dict[str, Any] = self.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
        except Refused as refused:
            if refused.code != "ResourceNotFoundException":
                raise
            return None
        return described

    def standing(self, name: str) -> dict[str, Any]:
        """The same. Raises Skipped if it does not exist."""
        table = self.table(name)
        if table is None:
            raise Skipped(f"no such table: {name}")
        return table

    def _ask(self, service: str, operation: str, payload: dict[str, Any]) -> dict[str, Any] | Skipped:
        try:
            return call_with_repeats(_transport(service, self.settings.endpoint_url), operation, payload)
        except AwsRefusal as refusal:
            if refusal.code in DENIED:
                return Skipped(f"AWS denies you {service}:{operation}; infra/doctor-policy.json allows it")
            return Skipped(_unreached(service)) if refusal.code in NOT_SIGNED_IN else Refused(refusal.code)
        except (AwsUnreachable, StoreUnavailable):
            return Skipped(_unreached(service))


def _unreached(service: str) -> str:
    return f"{service} cannot be reached; sign in to AWS and set AWS_REGION"


@cache
def _transport(service: str, endpoint_url: str | None) -> BotoTransport:
    """One for each service: a client takes longer to make than all of its calls."""
    return BotoTransport(service, endpoint_url=endpoint_url)
