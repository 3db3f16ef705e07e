"""`token-broker`: the broker, its demo and its operator's command, from an installed package."""

import os
import sys

from token_broker_testing.running import TOKEN_BROKER


def main() -> None:
    """Become the command, with its arguments; signals and the exit code are its own."""
    os.execv(TOKEN_BROKER[0], [*TOKEN_BROKER, *sys.argv[1:]])  # noqa: S606 - there is no shell to be fooled


if __name__ == "__main__":
    main()
