"""How a command ends: its exit code, and words instead of a traceback.

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
    """The exit code of `module.main(arguments)`; whatever it raises is reported in words."""
    try:
        return int(importlib.import_module(module).main(arguments) or 0)
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
    """What went wrong and what to do next."""
    faults = getattr(error, "faults", None)
    if isinstance(faults, tuple):
        return "\n  ".join(["these settings cannot work:", *map(str, faults)])
    if isinstance(error, OSError) and error.filename is not None:
        return describe_file(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = f"unexpected {type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}"
    return f"{said}\n  next: report it with the file {_write_trace(error)}"


def describe_file(error: OSError) -> str:
    """The file that could not be used, and a next step."""
    said = f"cannot use {error.filename}: {error.strerror}"
    if isinstance(error, PermissionError) or error.errno == 30:  # EROFS
        return f"{said}\n  next: clone into a folder that you may write, or set TOKEN_BROKER_STATE to one"
    return f"{said}\n  next: check that path"


def _write_trace(error: Exception) -> str:
    """The full trace in a file of its own."""
    descriptor, path = tempfile.mkstemp(prefix="token-broker-", suffix=".txt")
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    return path
