"""In which order duties are done that share one run's time: each kind gets the same part of it.

Rules of this file: it knows nothing of what a duty is about, and reads no further than it is asked.
"""

from collections.abc import Callable, Iterable, Iterator

from chalicelib.records.job import Job


def interleave_fairly(lists: Iterable[Iterator[Job]], left: Callable[[], float]) -> Iterator[Job]:
    """The next duty of the kind that has taken least of the time; of kinds that are alike, the oldest.

    What passes until the next one is asked for counts for the one that was given.

    lists   one per kind, each in the order of time
    left    seconds that the run still has
    """
    waiting = [(0.0, job, more) for more in lists if (job := next(more, None)) is not None]
    while waiting:
        chosen = min(waiting, key=lambda one: (one[0], one[1].due_at, one[1].job_id))
        waiting.remove(chosen)
        taken, job, more = chosen
        before = left()
        yield job
        following = next(more, None)
        if following is not None:
            waiting.append((taken + before - left(), following, more))
