"""All provider files of this deployment: ours, then the operator's own folders, each read once per container.

Ours are the same in every deployment and each is read by the tests, so a container reads only those that it needs, when
it needs them: all of them would be a fifth of a cold start. An operator's files are read, and refused, at once.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from chalicelib.providers.definition import InvalidDefinition, ProviderDefinition, fill, parse_definition
from chalicelib.providers.definition.checks_mark import find_image
from chalicelib.records.provider import ProviderRecord

OUR_FILES = Path(__file__).parent


class Catalog:
    """Definitions by provider id. Which of them are switched on is the operator's record, not known here.

    ids     every provider id that has a file
    files   where each stands; one that is not among the definitions yet is read when it is needed
    """

    def __init__(self, definitions: Iterable[ProviderDefinition], *, files: Mapping[str, Path] | None = None) -> None:
        self._by_id = {definition.provider_id: definition for definition in definitions}
        self.files = dict(files or {})
        self.ids = frozenset({*self._by_id, *self.files})

    def get(self, provider_id: str) -> ProviderDefinition | None:
        """The file of one provider as it is written; None when there is none."""
        definition = self._by_id.get(provider_id)
        if definition is None and provider_id in self.files:
            definition = self._by_id[provider_id] = _read(self.files[provider_id])
        return definition

    def find_image(self, provider_id: str, name: str) -> str:
        """The path of an image that a provider file names; "" if the file is not known."""
        file = self.files.get(provider_id)
        return str(find_image(file.parent, name)) if file is not None and name else ""

    def fill(
        self, record: ProviderRecord, metadata: Mapping[str, str] | None = None, *, complete: bool = False
    ) -> ProviderDefinition | None:
        """The file with the operator's values in their places, and with those of one connection; None without a file.

        metadata   of the connection, as far as it is known
        complete   all of it is known; else the placeholders of the rest stay

        Raises ValueRefused: a value is missing, or is not what the file allows.
        """
        definition = self.get(record.provider_id)
        if definition is None:
            return None
        # A connection may have a value from an older file under a name that is now a variable of the operator.
        known = {name: value for name, value in (metadata or {}).items() if name in definition.metadata}
        return fill(definition, {**record.variables, **known}, complete=complete)


def load_catalog(*extra_dirs: str | Path) -> Catalog:
    """Our files, then those of further folders; a later file with the same id replaces an earlier one.

    Raises InvalidDefinition naming every fault of every further file; a folder that is not there is a fault, not an
    empty one.
    """
    faults: list[str] = []
    definitions: dict[str, ProviderDefinition] = {}
    files = {path.stem: path for path in OUR_FILES.glob("*.toml")}
    for folder in map(Path, extra_dirs):
        if not folder.is_dir():
            faults.append(f"{folder} is not a folder")
            continue
        for path in sorted(folder.glob("*.toml")):
            try:
                definitions[path.stem], files[path.stem] = _read(path), path
            except InvalidDefinition as error:
                faults.append(str(error))
    if faults:
        raise InvalidDefinition("provider files", tuple(faults))
    return Catalog(definitions.values(), files=files)


def check_registrations_apart(registrations: Mapping[str, tuple[str, str]]) -> None:
    """Refuse one app registration behind two provider ids: their callbacks could be mixed up (CB-06).

    registrations   provider id -> (issuer, our client id there)

    Raises InvalidDefinition.
    """
    seen: dict[tuple[str, str], str] = {}
    faults = []
    for provider_id, registration in sorted(registrations.items()):
        if other := seen.get(registration):
            faults.append(f"{other} and {provider_id} share one registration; register a second app at the provider")
        seen[registration] = provider_id
    if faults:
        raise InvalidDefinition("provider registrations", tuple(faults))


def _read(path: Path) -> ProviderDefinition:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidDefinition(path.name, ("cannot be read as UTF-8 text",)) from None
    definition = parse_definition(text, source=path.name, folder=path.parent)
    if definition.provider_id != path.stem:
        raise InvalidDefinition(path.name, ("the file must be named for its provider_id",))
    return definition
