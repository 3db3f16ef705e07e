"""Runs a command: returns its exit code and prints an error instead of a traceback.

Imported before `.venv` exists: the standard library only, and syntax that an old Python can read.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path


def run(program: str, module: str, arguments: list[str]) -> int:
    """The exit code of `module.main(arguments)`, or of `module:function`; any exception is printed as an error."""
    name, _, function = module.partition(":")
    try:
        return int(getattr(importlib.import_module(name), function or "main")(arguments) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has seen enough (`| head`); the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:  # noqa: BLE001 - the outermost frame of every command
        print(f"{program}: {describe(error)}", file=sys.stderr)
        return 1


def describe(error: Exception) -> str:
    """The error and the next step."""
    faults = getattr(error, "faults", None)
    if isinstance(faults, tuple):
        return "\n  ".join(["these settings are invalid:", *map(str, faults)])
    if isinstance(hint := getattr(error, "hint", None), str):
        from cli.invocation import as_typed

        return as_typed(f"{error}\n  next: {hint}")
    if isinstance(error, OSError) and error.filename is not None:
        return describe_file(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = f"unexpected {type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}"
    return f"{said}\n  next: report this with the file {_write_trace(error)}"


def describe_file(error: OSError) -> str:
    """The file that could not be used, and the next step."""
    said = f"cannot use {error.filename}: {error.strerror}"
    if isinstance(error, PermissionError) or error.errno == 30:  # EROFS
        return f"{said}\n  next: use a writable folder, or set TOKEN_BROKER_STATE to one"
    return f"{said}\n  next: check the path"


def _write_trace(error: Exception) -> str:
    """Write the full trace to a file."""
    descriptor, path = tempfile.mkstemp(prefix="token-broker-", suffix=".txt")
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    return path
