"""`token-broker-testing`: the same by command, for tests in any language."""

import os
import sys

from token_broker_testing.running import COMMAND


def main() -> None:
    """Become `dev.py testing`, with its options; signals and the exit code are its own."""
    os.execv(COMMAND[0], [*COMMAND, *sys.argv[1:]])  # noqa: S606 - there is no shell to be fooled


if __name__ == "__main__":
    main()
