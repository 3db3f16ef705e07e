"""How often a compare-and-swap write is tried again when another writer was faster.

Each refused write means that some other write took effect, so trying again ends as soon as the others are done. Writers
that lost to one another must not meet again: after the first repeat each waits a random time (full jitter).
"""

from collections.abc import Iterator

from chalicelib.ports import Broker, Deadline, Entropy, Sleeper

TRIES = 24
LEAST_SECONDS = 2.0  # of the request's time, for what follows the write
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.4


def write_tries(broker: Broker) -> Iterator[int]:
    """The tries of one write within a request: 1, 2, 3 ..."""
    return paced_tries(broker.entropy, broker.sleeper, broker.deadline)


def paced_tries(entropy: Entropy, sleeper: Sleeper, deadline: Deadline) -> Iterator[int]:
    """One number before each try; ends after TRIES, or when too little time is left.

    The first repeat follows at once. Each later one waits between nothing and a pause that doubles from SHORTEST_PAUSE
    to LONGEST_PAUSE seconds.
    """
    longest = SHORTEST_PAUSE
    for number in range(1, TRIES + 1):
        if number > 2:
            if deadline.left() < longest + LEAST_SECONDS:
                return
            sleeper.sleep(longest * entropy.token_bytes(1)[0] / 255)
            longest = min(2 * longest, LONGEST_PAUSE)
        yield number
