"""The commands of `dev.py`: which module serves each, and the screen that lists them.

Imported before `.venv` exists: the standard library only, and syntax that an old Python can read.
"""

# title: {name: (module with `main(arguments) -> exit code`, what it does)}
GROUPS = {
    "Run it": {
        "demo": ("local.demo", "a whole sign-in to click through in a browser"),
        "tour": ("local.tour", "the same sign-in without a browser, each step printed"),
        "recipe": ("local.recipe", "a way to sign in from an app, as clients/recipes/ shows it"),
        "device": ("local.device", "a sign-in by a code, as a television or a terminal does it"),
        "mcp": ("local.mcp", "an MCP server behind the broker; --try lets an agent in"),
        "agents": ("local.agents.command", "agents of today, each through every step at an MCP server"),
        "serve": ("local.serve", "the broker alone, for real work"),
        "testing": ("local.testing", "broker and providers for the tests of your app, any language"),
        "provider": ("local.fake.command", "one third party, played from its file, with faults"),
        "aws": ("local.aws", "the embedded AWS alone: DynamoDB and KMS on loopback"),
        "broker": ("cli.main", "the operator's command: apps, providers, keys, kill, doctor"),
    },
    "Trust it": {
        "test": ("local.suite", "the checks and every test"),
        "check": ("local.check", "format, lint, strict types, import contract"),
        "mutants": ("tests.mutants.run", "take each security check out; a test must notice"),
        "fuzz": ("tests.fuzz.command", "requests in any order, with faults, for --minutes"),
        "soak": ("tests.soak.command", "mixed traffic, a fault every ten seconds, for --minutes"),
        "matrix": ("tests.clients.command", "client libraries of others, each through every flow"),
    },
    "Ship it": {
        "bench": ("bench.run", "CPU and memory beside the sum of their fixed parts"),
        "cost": ("bench.cost.command", "USD for a million of each thing, and for a day of users"),
        "package": ("local.package", "the zip for Lambda and the template around it"),
        "deploy-rehearsal": ("tests.package.rehearse", "deploy, update, go back: AWS played here"),
        "openapi": ("local.openapi.command", "write the description that /openapi.json serves"),
        "lock": ("local.lock", "write the hash locks from requirements-*.in"),
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def overview() -> str:
    """Every command on one screen."""
    lines = ["Token Broker: sign-in with a third party for an app that holds no secret."]
    lines += ["  python3 dev.py COMMAND [--help]   New here? 'demo', and open its address."]
    for title, commands in GROUPS.items():
        lines += [title, *(f"  {name:16} {purpose}" for name, (_, purpose) in commands.items())]
    return "\n".join(lines)
