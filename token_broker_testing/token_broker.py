"""`token-broker`: the broker, its demo and its operator's command, from an installed package."""

import os
import sys

from token_broker_testing.running import SOURCE

# The broker's own packages have common names; they are in the path of this process alone.
PROGRAM = (
    f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from local.installed import main; sys.exit(main(sys.argv[1:]))"
)


def main() -> None:
    """Become the command, with its arguments; signals and the exit code are its own."""
    os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *sys.argv[1:]])  # noqa: S606 - there is no shell to be fooled


if __name__ == "__main__":
    main()
