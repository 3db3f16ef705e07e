"""The order of the jobs in one run: each kind gets the same share of the run's time.

Rules of this file: it does not look into a job, and it reads no job before it is needed.
"""

from collections.abc import Callable, Iterable, Iterator

from chalicelib.records.job import Job


def interleave_fairly(lists: Iterable[Iterator[Job]], left: Callable[[], float]) -> Iterator[Job]:
    """The next job of the kind that has used the least time; between equal kinds, the oldest job.

    The time until the caller requests the next job counts for the kind of the present one.

    lists   one per kind, each ordered by time
    left    returns the seconds that the run has left
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
