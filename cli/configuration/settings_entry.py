"""Settings in a configuration file. `apply` compares them and changes none: the functions read them from their
environment, which only a deployment changes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.config import FOLDER_SEPARATOR, PREFIX, ConfigurationError, read_settings
from chalicelib.records.settings import Settings
from cli.configuration.steps import Step, options_for
from cli.deployment.operations import Deployment, OperationError
from cli.doctor.checks import Skipped
from cli.doctor.deployment.functions import find_functions, settings_of
from cli.doctor.deployment.visit import Here
from cli.nearest import nearest

# They name the deployment, or places on one machine.
IDENTITY = ("issuer", "deployment", "table", "keys_table", "kms_key", "endpoint_url", "provider_dirs", "theme")


def to_environ(table: Mapping[str, Any]) -> dict[str, str]:
    """The variables of the functions. Raises OperationError with every fault."""
    faults = [_fault(name) for name in table if name in IDENTITY or name not in Settings.__struct_fields__]
    if faults:
        raise OperationError("\n  ".join(["settings:", *faults]), "chalicelib/records/settings.py lists every setting")
    environ = {f"{PREFIX}{name.upper()}": _text(name, value) for name, value in table.items()}
    try:
        read_settings({f"{PREFIX}ISSUER": "https://issuer.invalid", **environ})
    except ConfigurationError as error:
        raise OperationError("\n  ".join(["settings:", *error.faults]), "docs/apply.md") from None
    return environ


def plan_settings(deployment: Deployment, table: Mapping[str, Any]) -> list[Step]:
    """One step for each setting that runs with another value; nobody carries it out. Raises OperationError."""
    if not table:
        return []
    issuer = {f"{PREFIX}ISSUER": deployment.settings.issuer}
    environ = to_environ(table)
    wanted, running = read_settings({**issuer, **environ}), read_running(deployment)
    found = []
    for name in table:
        before, after = getattr(running, name), getattr(wanted, name)
        if before != after:
            fields = {"value": (_plain(before), _plain(after))}
            typed, notes = options_for("", {}, {}), [_note(deployment, name, environ)]
            found.append(
                Step(
                    "update",
                    "setting",
                    name,
                    name,
                    fields,
                    typed,
                    lambda *_: None,
                    notes=notes,
                )
            )
    return found


def read_running(deployment: Deployment) -> Settings:
    """The settings with which the broker runs. Raises OperationError."""
    if deployment.settings.is_loopback:
        return deployment.settings
    ours = {"ISSUER": deployment.settings.issuer, "ENDPOINT_URL": deployment.settings.endpoint_url}
    try:
        functions = find_functions(Here({f"{PREFIX}{name}": value for name, value in ours.items() if value}))
        function = next((one for one in functions if one["Handler"] == "app.app"), functions[0])
        return read_settings(settings_of(function))
    except Skipped as skipped:
        hint = "attach infra/doctor-policy.json to the operator's role, or remove [settings] from the file"
        raise OperationError(f"the settings of the functions cannot be read: {skipped}", hint) from None
    except ConfigurationError as error:
        said = "the function does not start with its settings: " + "; ".join(error.faults)
        raise OperationError(said, "broker doctor") from None


def export_settings(settings: Settings) -> dict[str, Any]:
    """Those that differ from their default."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(Settings) if not field.required}
    values = {name: getattr(settings, name) for name in defaults if name not in IDENTITY}
    return {name: _plain(value) for name, value in values.items() if value != _default(name)}


def _note(deployment: Deployment, name: str, environ: Mapping[str, str]) -> str:
    """What changes the setting."""
    variable = f"{PREFIX}{name.upper()}"
    if deployment.settings.is_loopback:
        return f"start the broker with --set {name}={environ[variable]}"
    return f"set {variable}={environ[variable]} in environment_variables of .chalice/config.json, and deploy"


def _default(name: str) -> Any:
    return getattr(Settings(issuer="https://issuer.invalid"), name)


def _fault(name: str) -> str:
    if name in IDENTITY:
        return f"{name} names the deployment or a place on one machine; it does not belong in the file"
    near = nearest(name, Settings.__struct_fields__)
    return f"{name} is not a setting" + (f"; did you mean {near}?" if near else "")


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (frozenset, tuple)) else value


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return (FOLDER_SEPARATOR if name in IDENTITY else " ").join(map(str, value))
    return str(value)
