"""`dev.py matrix`: client libraries written by others, each through every flow with a running broker.

--write puts the table into docs/client-libraries.md.
"""

import argparse

from cli.parser import CommandParser
from cli.progress import Progress
from local.node import NoNode
from tests.interop.clients.libraries import Library, libraries
from tests.interop.clients.running import Row, run
from tests.interop.clients.table import PAGE, show, write
from tests.kit.chromium import CHROMIUM
from tests.kit.http.stack import Parts, start_parts


def main(arguments: list[str]) -> int:
    """1 where a cell fails or, with --write, a row could not be tried; 2 where no library has such a name."""
    options = build_parser().parse_args(arguments)
    wanted = choose(options.libraries)
    if not wanted:
        print(f"dev.py matrix: no library is named so; there are {', '.join(one.key for one in libraries())}")
        return 2
    parts, rows, left_out = start_parts(), {}, []
    with Progress("trying", len(wanted), "libraries") as shown:
        for library in wanted:
            shown.note(library.title)
            row = _try(library, parts)
            shown.advance()
            if isinstance(row, str):
                left_out.append(library.key)
                shown.say(f"{library.title}: not tried, {row}\n")
            else:
                rows[library.key] = row
                shown.say(show(library, row) + "\n")
    failed = sum(cell.state == "fail" for row in rows.values() for cell in row.values())
    print(f"{sum(cell.state == 'pass' for row in rows.values() for cell in row.values())} work, {failed} fail")
    if options.write and (left_out or len(wanted) < len(libraries())):
        print(f"{PAGE.name} stays as it is: it needs every row")
        return 1
    if options.write:
        write(rows)
    return 1 if failed else 0


def build_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = CommandParser(prog="dev.py matrix", description=__doc__)
    parser.add_argument(
        "libraries", nargs="*", metavar="LIBRARY", help="only these: part of a name, as node or authlib"
    )
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    return parser


def choose(named: list[str]) -> list[Library]:
    """The libraries with one of these in their names; all where none is named."""
    return [library for library in libraries() if not named or any(part in library.key for part in named)]


def _try(library: Library, parts: Parts) -> Row | str:
    """The row, or why it cannot be tried on this machine."""
    if library.where == "browser" and CHROMIUM is None:
        return "Chromium is not installed"
    try:
        return run(library, parts)
    except NoNode as missing:
        return str(missing)
