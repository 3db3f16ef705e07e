"""The commands of `dev.py`: which module serves each, and the screen that lists them.

Imported before `.venv` exists: the standard library only, and syntax that an old Python can read.
"""

# title: {name: (module with `main(arguments) -> exit code`, what it does)}
GROUPS = {
    "Run it": {
        "demo": ("local.demo.demo", "a complete sign-in to click through in a browser"),
        "tour": ("local.demo.tour", "the same sign-in without a browser, printing each step"),
        "recipe": ("local.recipe.recipe", "an app that signs in, from clients/; --copy makes it yours"),
        "device": ("local.demo.device", "a sign-in with the device flow, as on a television"),
        "mcp": ("local.demo.mcp", "an MCP server behind the broker; --try connects an agent"),
        "agents": ("local.agents.command", "current agents, each through every step at an MCP server"),
        "serve": ("local.serve", "only the broker, for development with your own apps"),
        "testing": ("local.testing.command", "broker and providers for the tests of your app, any language"),
        "provider": ("local.fake.command", "one simulated provider from its file, with faults"),
        "aws": ("local.stack.aws", "only the simulated AWS: DynamoDB and KMS on loopback"),
        "broker": ("cli.main", "the operator's command: apps, providers, keys, doctor"),
    },
    "Trust it": {
        "test": ("local.test_command", "the checks and the tests that CI runs; --quick: a minute"),
        "nightly": ("local.nightly", "the long tests, then fuzz, soak and mutants"),
        "check": ("local.check", "format, lint, strict types, import contract"),
        "mutants": ("tests.mutants.run", "remove each security check; a test must fail"),
        "fuzz": ("tests.concurrency.fuzz.command", "random requests with faults, for --minutes"),
        "soak": ("tests.concurrency.soak.command", "mixed traffic, a fault every ten seconds, for --minutes"),
        "matrix": ("tests.interop.clients.command", "third-party client libraries, each through every flow"),
    },
    "Ship it": {
        "bench": ("bench.run", "measure CPU and memory per request"),
        "cost": ("bench.cost.command", "cost in USD per million requests and per day of users"),
        "package": ("local.package.command", "build the zip for Lambda and its template"),
        "deploy-rehearsal": ("tests.deploy.rehearsal.rehearse", "deploy, update and roll back on simulated AWS"),
        "docs": ("local.docs_site.command", "build the documentation site; --serve to read it here"),
        "openapi": ("local.openapi.command", "write the description that /openapi.json serves"),
        "release": ("local.release.command", "--dry-run builds all of a release; publishes nothing"),
        "lock": ("local.package.lock", "write the hash locks from requirements-*.in"),
    },
}
# They need the packages of requirements-dev.txt; the others run with those of requirements-local.txt.
DEVELOPMENT = {"mcp", "agents", *GROUPS["Trust it"], "bench", "cost", "deploy-rehearsal"}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def overview() -> str:
    """The list of all commands."""
    lines = ["Token Broker: sign-in with external providers for apps without a secret."]
    lines += ["  python3 dev.py COMMAND [--help]   New here? Run 'demo' and open its address."]
    for title, commands in GROUPS.items():
        lines += [title, *(f"  {name:16} {purpose}" for name, (_, purpose) in commands.items())]
    return "\n".join(lines)
