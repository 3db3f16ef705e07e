"""The checks of the mark that a provider file names, and of its images."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chalicelib.protocol.images import image_type
from chalicelib.providers.definition.errors import Fault
from chalicelib.providers.definition.provider import ProviderDefinition
from chalicelib.providers.definition.sections_mark import MarkRules

MAX_MARK_BYTES: Final = 4096
SHIPPED: Final = Path(__file__).parents[1]
_FILE = re.compile(r"(?:[a-z0-9][a-z0-9-]*/)?[a-z0-9][a-z0-9-]*\.(?:svg|png)")


def check_mark(definition: ProviderDefinition, folder: Path | None) -> Iterator[Fault]:
    """Every fault of the mark. The images are read only if the folder of the provider file is known."""
    mark = definition.mark
    if mark.letters and not (len(mark.letters) <= 2 and mark.letters.isalnum()):
        yield Fault("mark.letters", "mark.letters must be one or two letters", 'write letters = "Ac"')
    if mark.dark_file and not mark.file:
        yield Fault("mark.dark_file", "mark.dark_file needs a mark.file beside it", "name the file for a light card")
    if mark.file and not mark.terms.startswith("https://"):
        fix = "name the page on which the owner of the mark allows this use"
        yield Fault("mark.file", "mark.terms is missing: an https link beside mark.file", fix)
    for key in ("file", "dark_file"):
        yield from _check_file(mark, key, folder)


def find_image(folder: Path, name: str) -> Path:
    """The image beside the provider file; else the shipped one, for a copy of a shipped provider file."""
    beside, shipped = folder / name, SHIPPED / name
    return shipped if shipped.is_file() and not beside.is_file() else beside


def _check_file(mark: MarkRules, key: str, folder: Path | None) -> Iterator[Fault]:
    name = getattr(mark, key)
    if not name:
        return
    if not _FILE.fullmatch(name):
        fix = f'put the image beside the provider file and write {key} = "acme.svg"'
        yield Fault(f"mark.{key}", f"mark.{key} must name an SVG or PNG file in lower case", fix)
    elif folder is not None and (wrong := _find_fault(find_image(folder, name))):
        fix = f"use an SVG or PNG image of at most {MAX_MARK_BYTES:,} bytes"
        yield Fault(f"mark.{key}", f"mark.{key}: {name} {wrong}", fix)


def _find_fault(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError:
        return "cannot be read"
    if not image_type(content):
        return "is neither SVG nor PNG"
    return "" if len(content) <= MAX_MARK_BYTES else f"has {len(content):,} bytes"
