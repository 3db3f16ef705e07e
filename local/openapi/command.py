"""`dev.py openapi`: write the description of the HTTP interface; --check only says whether it is current."""

import sys
from pathlib import Path

from chalicelib.endpoints.discovery.openapi import PLACE
from cli.parser import CommandParser
from local.openapi.document import Untold, write_document


def main(arguments: list[str] | None = None) -> int:
    """0 where it is written, or current."""
    parser = CommandParser(prog="dev.py openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where it is not current")
    options = parser.parse_args(arguments)
    try:
        text = write_document()
    except Untold as error:
        print(f"openapi: {error}", file=sys.stderr)
        return 1
    if options.check:
        return 0 if PLACE.read_text(encoding="utf-8") == text else 1
    PLACE.write_text(text, encoding="utf-8")
    print(f"wrote {PLACE.relative_to(Path.cwd()) if PLACE.is_relative_to(Path.cwd()) else PLACE}")
    return 0
