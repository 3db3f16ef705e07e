"""How often a compare-and-swap write is retried after another writer was faster.

Each refused write means that another write took effect, so the retries end as soon as the other writers are done. To
keep the losers from colliding again, each waits a random time (full jitter) after the first retry.
"""

from collections.abc import Iterator

from chalicelib.ports import Broker, Deadline, Entropy, Sleeper

TRIES = 24
LEAST_SECONDS = 2.0  # of the request's time, left for the work after the write
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.4


def write_tries(broker: Broker) -> Iterator[int]:
    """Number the tries of one write within a request: 1, 2, 3 ..."""
    return paced_tries(broker.entropy, broker.sleeper, broker.deadline)


def paced_tries(entropy: Entropy, sleeper: Sleeper, deadline: Deadline) -> Iterator[int]:
    """Yield a number before each try; stop after TRIES, or when too little time is left.

    The first retry follows at once. Each later one waits a random time between zero and a limit that doubles from
    SHORTEST_PAUSE to LONGEST_PAUSE seconds.
    """
    longest = SHORTEST_PAUSE
    for number in range(1, TRIES + 1):
        if number > 2:
            if deadline.left() < longest + LEAST_SECONDS:
                return
            sleeper.sleep(longest * entropy.token_bytes(1)[0] / 255)
            longest = min(2 * longest, LONGEST_PAUSE)
        yield number
