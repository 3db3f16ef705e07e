"""Every record of a tree that is stored or travels sealed, a line for each attribute. Run inside that tree.

    python describe.py        grant.Grant.generation: int = default

`= default` says that an item without it can be read.
"""

import importlib
import pkgutil
import re
import sys

import msgspec

NOT_STORED = {"settings.Settings", "keyset.Keyset", "keyset.Key"}
"""Of the environment, and of memory alone."""


def main() -> int:
    """Sorted lines."""
    sys.path.insert(0, ".")
    import chalicelib.records as records

    found = []
    for module in pkgutil.iter_modules(records.__path__):
        loaded = importlib.import_module(f"chalicelib.records.{module.name}")
        for name, record in vars(loaded).items():
            if isinstance(record, type) and issubclass(record, msgspec.Struct) and record.__module__ == loaded.__name__:
                found += describe(f"{module.name}.{name}", record)
    print("\n".join(sorted(found)))
    return 0


def describe(name: str, record: type) -> list[str]:
    """Its lines; none where it is not stored."""
    if name in NOT_STORED:
        return []
    fields = msgspec.structs.fields(record)
    return [f"{name}.{one.encode_name}: {spell(one.type)}{'' if one.required else ' = default'}" for one in fields]


def spell(of: object) -> str:
    """A type as it is written, without the modules that it comes from."""
    said = of.__name__ if isinstance(of, type) and not hasattr(of, "__args__") else str(of)
    return re.sub(r"\b(?:typing|chalicelib\.records\.\w+)\.", "", said)


if __name__ == "__main__":
    raise SystemExit(main())
