"""broker provider test: tests a provider file offline, from sign-in to revocation, against a simulated provider."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from chalicelib.providers.catalog import Catalog, load_catalog
from chalicelib.providers.definition import InvalidDefinition, ProviderDefinition, parse_definition
from cli.deployment.operations import OperationError
from cli.invocation import PROGRAM
from cli.nearest import suggest
from cli.progress import Progress


def add_parser(verbs: Any, common: argparse.ArgumentParser) -> None:
    """The subcommand of `broker provider`. It needs no deployment."""
    test = verbs.add_parser(
        "test",
        parents=[common],
        help="test sign-in, token hand-out, refresh and revocation offline with a simulated provider",
    )
    which = test.add_mutually_exclusive_group(required=True)
    which.add_argument("what", metavar="PROVIDER_ID|FILE.toml", nargs="?")
    which.add_argument("--all", action="store_true", help="every built-in provider file, and those of --providers")
    test.add_argument("--providers", metavar="DIR", action="append", default=[], help="a folder of provider files")
    test.set_defaults(alone=test_providers)


def test_providers(options: argparse.Namespace) -> int:
    """Test one and print a line per step, or all and print a line for each; returns 1 if one failed.

    Raises OperationError.
    """
    definitions = _find(options)
    try:
        from local.trial.steps import run_trial
        from local.trial.workshop import Workshop
    except ImportError:
        raise OperationError(
            "the simulated providers are missing", "run the command in a checkout of the repository"
        ) from None
    from cli.output import show

    results = []
    with Progress("testing", len(definitions), "provider files") as shown, contextlib.closing(Workshop()) as shop:
        for definition in definitions:
            shown.note(definition.provider_id)
            steps = []
            for outcome in run_trial(shop, definition):
                steps.append({"step": outcome.step, "passed": outcome.passed, "said": outcome.said})
                if not options.json and not options.all:
                    shown.say(_step_line(definition.provider_id, outcome))
            passed = all(step["passed"] for step in steps)
            results.append({"provider_id": definition.provider_id, "passed": passed, "steps": steps})
            shown.advance()
            if options.all and not options.json:
                shown.say(_line(results[-1]))
    if options.json:
        show(results, as_json=True)
    failed = [str(result["provider_id"]) for result in results if not result["passed"]]
    if failed and not options.json:
        print(f"{PROGRAM}: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _step_line(provider_id: str, outcome: Any) -> str:
    return f"{provider_id:<12} {outcome.step:<15} {_word(outcome.passed):<7} {outcome.said}"


def _line(result: dict[str, Any]) -> str:
    """One provider: how its tokens refresh and end, or which step failed and why."""
    said = {step["step"]: step["said"] for step in result["steps"]}
    if result["passed"]:
        told = f"refresh: {said['refresh']}; revoke: {said['revoke']}"
    else:
        told = f"{list(said)[-1]}: {list(said.values())[-1]}" if said else "nothing was tested"
    return f"{result['provider_id']:<16} {_word(result['passed']):<7} {told}"


def _word(passed: bool) -> str:
    return "ok" if passed else "FAILED"


def _find(options: argparse.Namespace) -> list[ProviderDefinition]:
    try:
        if options.what and options.what.endswith(".toml"):
            path = Path(options.what)
            return [parse_definition(path.read_text(encoding="utf-8"), source=path.name, folder=path.parent)]
        catalog: Catalog = load_catalog(*options.providers)
    except OSError:
        raise OperationError(f"{options.what} cannot be read", "name an existing provider file") from None
    except InvalidDefinition as error:
        raise OperationError("; ".join(error.faults), "broker provider check FILE.toml") from None
    wanted = sorted(catalog.ids) if options.all else [options.what]
    found = [definition for one in wanted if (definition := catalog.get(one))]
    if len(found) != len(wanted):
        hint = suggest(options.what, catalog.ids, "broker provider list")
        raise OperationError(f"no such provider file: {options.what}", hint)
    return found
