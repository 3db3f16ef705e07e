"""`dev.py matrix`: client libraries written by others, each through every flow with a running broker.

--write puts the table into docs/client-libraries.md.
"""

import argparse

from local.node import NoNode
from tests.chromium import CHROMIUM
from tests.clients.libraries import Library, libraries
from tests.clients.running import Row, run
from tests.clients.table import PAGE, show, write
from tests.flow.stack import Parts, start_parts


def main(arguments: list[str]) -> int:
    """1 where a cell fails or, with --write, a row could not be tried."""
    parser = argparse.ArgumentParser(prog="dev.py matrix", description=__doc__)
    parser.add_argument(
        "libraries", nargs="*", metavar="LIBRARY", help="only these: part of a name, as node or authlib"
    )
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    options = parser.parse_args(arguments)
    wanted = [one for one in libraries() if not options.libraries or any(part in one.key for part in options.libraries)]
    parts, rows, left_out = start_parts(), {}, []
    for library in wanted:
        row = _try(library, parts)
        if isinstance(row, str):
            left_out.append(library.key)
            print(f"{library.title}: not tried, {row}\n", flush=True)
        else:
            rows[library.key] = row
            print(show(library, row) + "\n", flush=True)
    failed = sum(cell.state == "fail" for row in rows.values() for cell in row.values())
    print(f"{sum(cell.state == 'pass' for row in rows.values() for cell in row.values())} work, {failed} fail")
    if options.write and (left_out or len(wanted) < len(libraries())):
        print(f"{PAGE.name} stays as it is: it needs every row")
        return 1
    if options.write:
        write(rows)
    return 1 if failed else 0


def _try(library: Library, parts: Parts) -> Row | str:
    """The row, or why it cannot be tried on this machine."""
    if library.where == "browser" and CHROMIUM is None:
        return "Chromium is not installed"
    try:
        return run(library, parts)
    except NoNode as missing:
        return str(missing)
