"""One deployment as the doctor sees it: settings, and what AWS says when a check first asks."""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, TypeVar

from chalicelib.adapters.aws import AwsRefusal, AwsUnreachable, call_with_repeats
from chalicelib.adapters.https import LocalTarget
from chalicelib.config import ConfigurationError, read_catalog, read_settings
from chalicelib.ports import StoreUnavailable
from chalicelib.providers.catalog import Catalog
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.settings import Settings
from chalicelib.records.stored import KeysetItem
from cli.aws import NOT_SIGNED_IN, BotoTransport
from cli.doctor.checks import Skipped, Source
from cli.doctor.server.asking import Asker
from cli.doctor.server.published import Published
from cli.keys import list_keysets
from cli.operations import Deployment, list_providers

DEPLOY = Source("docs/deploy.md", "docs/deploy.md")
T = TypeVar("T")
DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")


class Refused(Skipped):
    """AWS answered with an error that is no denial; `code` is its name."""

    def __init__(self, code: str) -> None:
        super().__init__(f"AWS says {code}")
        self.code = code


class Here:
    """One deployment.

    environ   the BROKER_... names that it is run with
    allow     places of this machine that may be asked: the issuer's, where it is one
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
        """Raises Skipped where they are not whole."""
        if self._settings is None:
            raise Skipped("the settings are not whole")
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
        """Those that are switched on. Raises Skipped."""
        return [record for record in self.read(list_providers) if not record.marks.disabled]

    @cached_property
    def keysets(self) -> list[KeysetItem]:
        """Raises Skipped."""
        return self.read(list_keysets)

    @cached_property
    def published(self) -> Published:
        """What the issuer says of itself over the network. Raises Skipped."""
        return Published(self.settings.issuer, self.asker)

    def read(self, read: Callable[[Deployment], T]) -> T:
        """What stands in the tables, by the code that reads it everywhere. Raises Skipped."""
        try:
            return read(self.deployment)
        except (AwsRefusal, AwsUnreachable, StoreUnavailable) as error:
            raise Skipped(f"the tables or keys cannot be read ({error})") from None
        except ConfigurationError:
            raise Skipped("the provider files or the theme cannot be used") from None

    def only_deployed(self) -> None:
        """Raises Skipped for a stack of this machine, which keeps nothing and has no roles."""
        if self.settings.is_loopback:
            raise Skipped("it is a stack of this machine")

    def ask(self, service: str, operation: str, **payload: Any) -> dict[str, Any]:
        """One reading call, once. Raises Refused, and Skipped where AWS denies it or cannot be asked."""
        key = f"{service} {operation} {sorted(payload.items())}"
        if key not in self._known:
            self._known[key] = self._ask(service, operation, payload)
        found = self._known[key]
        if isinstance(found, Skipped):
            raise found
        return found

    def table(self, name: str) -> dict[str, Any] | None:
        """What DynamoDB says of a table; None where there is none. Raises Skipped."""
        try:
            described: dict[str, Any] = self.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
        except Refused as refused:
            if refused.code != "ResourceNotFoundException":
                raise
            return None
        return described

    def standing(self, name: str) -> dict[str, Any]:
        """The same. Raises Skipped where there is none."""
        table = self.table(name)
        if table is None:
            raise Skipped(f"there is no table {name}")
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
    return f"{service} cannot be reached; are you signed in to AWS, and is AWS_REGION set?"


@cache
def _transport(service: str, endpoint_url: str | None) -> BotoTransport:
    """One for each service: a client takes longer to make than all of its calls."""
    return BotoTransport(service, endpoint_url=endpoint_url)
