"""Settings from the environment. Reports every fault at once and refuses empty security settings (GEN-12)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from chalicelib.pages.display import read_link
from chalicelib.pages.theme import Theme
from chalicelib.providers.catalog import Catalog, load_catalog
from chalicelib.providers.definition import InvalidDefinition
from chalicelib.records.client import MOST_RESOURCES
from chalicelib.records.settings import Settings

PREFIX = "BROKER_"
_LOOPBACK_HOST = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
# At most one path segment: an issuer with more would need well-known URLs that cannot be routed (RFC 8414 section 3.1).
_ISSUER = re.compile(
    rf"(https?)://({_LABEL}(?:\.{_LABEL})*|\[::1\])(?::([1-9][0-9]{{0,4}}))?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)?"
)
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+/?")
_BUS = re.compile(r"(?:arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9._/-]{1,256}")
_NO_ISSUER = "https://unset.invalid"  # lets the other settings be checked if the issuer is missing
_ANY_ISSUER = "https://broker.invalid"
FAPI2_CODE_SECONDS = 60  # FAPI 2.0 Security Profile section 5.3.2.1 number 11
LEAST_KEY_DAYS = 30
MAX_PROVIDERS = 500  # a cold cache needs one batch read for each hundred
_AUDIENCE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x7e]+")
_LISTS = ("open_registration_scopes", "open_registration_resources")
_FOLDERS = ("provider_dirs",)
FOLDER_SEPARATOR = ":"  # as in PATH: a folder's name may hold a space


class ConfigurationError(Exception):
    """The deployment cannot start; `faults` lists every fault and what to set."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from variables BROKER_<FIELD>; lists are separated by spaces, lists of folders by colons.

    Raises ConfigurationError with all unknown, missing, empty and impossible settings.
    """
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    faults = [f"{PREFIX}{name.upper()} is not a setting" for name in given if name not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in given:
            faults += [f"{PREFIX}{name.upper()} is missing"] if field.required else []
            continue
        if not given[name].strip():
            faults.append(f"{PREFIX}{name.upper()} is empty")
            continue
        try:
            values[name] = _convert(name, given[name].strip(), field.type)
        except (msgspec.ValidationError, ValueError):
            faults.append(f"{PREFIX}{name.upper()} cannot be read: {_wanted(field.type)}")
    faults += _check(Settings(**{"issuer": _NO_ISSUER, **values}))
    faults += _check_fapi2(values) if values.get("profile") == "fapi2" else []
    if faults:
        raise ConfigurationError(tuple(faults))
    return Settings(**values)


def read_catalog(settings: Settings) -> Catalog:
    """All provider files. Raises ConfigurationError with every fault of every file."""
    try:
        catalog = load_catalog(*settings.provider_dirs)
    except InvalidDefinition as error:
        raise ConfigurationError(error.faults) from None
    if len(catalog.ids) > MAX_PROVIDERS:
        raise ConfigurationError(
            (f"there are {len(catalog.ids)} provider files; at most {MAX_PROVIDERS} are possible",)
        )
    reserved = sorted(catalog.ids & {"openid", "profile", "email", "offline_access"})
    if reserved:
        raise ConfigurationError(tuple(f"a provider may not be called {name}" for name in reserved))
    return catalog


def read_theme(settings: Settings) -> Theme:
    """The colours and logo of the pages. Raises ConfigurationError with every fault of the theme file and how to fix
    it."""
    if settings.theme is None:
        return Theme()
    from chalicelib.pages.theme_file import InvalidTheme, load_theme

    try:
        return load_theme(Path(settings.theme))
    except InvalidTheme as error:
        raise ConfigurationError(tuple(f"{PREFIX}THEME: {fault}" for fault in error.faults)) from None


def _wanted(kind: Any) -> str:
    """Describe the values that a setting of this type accepts."""
    if kind in (bool, int):
        return "true or false is wanted" if kind is bool else "a whole number is wanted"
    return f"one of {', '.join(get_args(kind))} is wanted" if get_origin(kind) is Literal else "words are wanted"


def _convert(name: str, text: str, kind: Any) -> Any:
    if name in _LISTS:
        return msgspec.convert(text.split(), kind)
    if name in _FOLDERS:
        return msgspec.convert([folder for folder in text.split(FOLDER_SEPARATOR) if folder], kind)
    return msgspec.convert(text, kind, strict=False)


def _check(settings: Settings) -> list[str]:
    """Find values that would switch off a protection, or that cannot work together."""
    faults = _check_issuer(settings.issuer)
    faults += [
        f"{PREFIX}{name.upper()} must be at least {least}"
        for name, least in _LEAST.items()
        if getattr(settings, name) < least
    ]
    if settings.pending_seconds > 1200:
        faults.append(f"{PREFIX}PENDING_SECONDS must be at most 1200")
    if settings.device_seconds > 600:
        faults.append(f"{PREFIX}DEVICE_SECONDS must be at most 600")
    if settings.device_poll_seconds > 30:
        faults.append(f"{PREFIX}DEVICE_POLL_SECONDS must be at most 30")
    if settings.code_seconds > 600:
        faults.append(f"{PREFIX}CODE_SECONDS must be at most 600")
    if not all(_AUDIENCE.fullmatch(audience) for audience in settings.open_registration_resources):
        faults.append(f"{PREFIX}OPEN_REGISTRATION_RESOURCES must be absolute URIs without a fragment")
    if len(settings.open_registration_resources) > MOST_RESOURCES:
        faults.append(f"{PREFIX}OPEN_REGISTRATION_RESOURCES must be at most {MOST_RESOURCES} URIs")
    if 0 < settings.refresh_grace_seconds < 5:
        faults.append(f"{PREFIX}REFRESH_GRACE_SECONDS must be 0, or longer than a request with its repeats (5)")
    if 0 < settings.key_days < LEAST_KEY_DAYS:
        faults.append(f"{PREFIX}KEY_DAYS must be 0, or at least {LEAST_KEY_DAYS}: a handle has room for 255 keys")
    if not re.fullmatch(r"[a-z]", settings.region_letter):
        faults.append(f"{PREFIX}REGION_LETTER must be one lower-case letter")
    if not re.fullmatch(r"[a-z]*", settings.adopted_letters) or settings.region_letter in settings.adopted_letters:
        faults.append(f"{PREFIX}ADOPTED_LETTERS must be lower-case letters of other regions")
    if settings.endpoint_url is not None and not _ENDPOINT.fullmatch(settings.endpoint_url):
        faults.append(f"{PREFIX}ENDPOINT_URL must be an http or https URL without a path")
    if settings.event_bus is not None and not _BUS.fullmatch(settings.event_bus):
        faults.append(f"{PREFIX}EVENT_BUS must be the name or the ARN of an event bus")
    if settings.documentation is not None and read_link(settings.documentation) is None:
        faults.append(f"{PREFIX}DOCUMENTATION must be an https URL")
    if settings.table == settings.keys_table:
        faults.append(f"{PREFIX}KEYS_TABLE must be another table than {PREFIX}TABLE")
    if not settings.is_loopback and not settings.handouts_unlimited:
        faults += [
            f"{PREFIX}{name.upper()} is 0: without a limit {PREFIX}HANDOUTS_UNLIMITED=true has to say so too"
            for name in ("handouts_per_user", "handouts_per_client")
            if getattr(settings, name) == 0
        ]
    return faults


def _check_fapi2(values: Mapping[str, Any]) -> list[str]:
    """Find settings that contradict the FAPI 2.0 Security Profile. Unset settings follow the profile."""
    faults = []
    if values.get("code_seconds", 0) > FAPI2_CODE_SECONDS:
        faults.append(f"{PREFIX}CODE_SECONDS must be at most {FAPI2_CODE_SECONDS} under {PREFIX}PROFILE=fapi2")
    if values.get("require_pushed_authorization_requests") is False:
        faults.append(
            f"{PREFIX}REQUIRE_PUSHED_AUTHORIZATION_REQUESTS=false contradicts {PREFIX}PROFILE=fapi2; leave it out"
        )
    if values.get("open_registration_device"):
        faults.append(
            f"{PREFIX}OPEN_REGISTRATION_DEVICE=true contradicts {PREFIX}PROFILE=fapi2, which has no device grant; "
            "leave it out"
        )
    return faults


_LEAST = {
    "epoch": 0,
    "code_seconds": 1,
    "access_token_seconds": 1,
    "id_token_seconds": 1,
    "refresh_grace_seconds": 0,
    "refresh_idle_seconds": 1,
    "refresh_end_seconds": 1,
    "pending_seconds": 1,
    "signing_key_days": 0,
    "key_days": 0,
    "session_seconds": 1,
    "bff_idle_seconds": 1,
    "bff_end_seconds": 1,
    "device_seconds": 60,
    "device_poll_seconds": 1,
    "device_tries_per_browser": 1,
    "device_tries_per_address": 1,
    "device_wrong_codes": 1,
    "registration_per_address": 1,
    "registration_per_day": 1,
    "registration_total": 1,
    "registration_unused_days": 1,
    "document_fetches_per_address": 1,
    "document_fetches_per_host": 1,
    "document_fetches_per_minute": 1,
    "connection_unused_days": 1,
    "failed_authentications_per_address": 1,
    "requests_per_address": 0,
    "requests_per_client": 0,
    "handouts_per_user": 0,
    "handouts_per_client": 0,
}


def _check_issuer(issuer: str) -> list[str]:
    """Require https, or http on loopback, without a final slash or anything that two parsers could read differently."""
    match = _ISSUER.fullmatch(issuer)
    if match is None or int(match.group(3) or 443) > 65535:
        return [
            f"{PREFIX}ISSUER must be an https URL in lower case: a host, perhaps a port and one path segment, "
            "no slash at its end, query or fragment"
        ]
    if match.group(1) == "http" and not _LOOPBACK_HOST.fullmatch(match.group(2)):
        return [f"{PREFIX}ISSUER must use https: http is for loopback alone"]
    return []
