"""Counts the uses of a connection from its audit records."""

from chalicelib.records.audit import Traces


def count_use(traces: Traces, *, kept_since: int, now: int) -> dict[str, int]:
    """The counts, and the time since which they are complete.

    kept_since   how far back the records go
    now          used as `since` if records were left out and none that was read belongs to this connection

    If records were left out, `since` is the time of the earliest counted use, not of the earliest record that was
    read. That record may be another app's, and an app must not learn when other apps act (VLT-01).
    """
    uses = [trace for trace in traces.found if trace.event in ("handout", "proxy")]
    last = {"last_used_at": uses[0].at} if uses else {}
    return {
        **last,
        "handouts": sum(trace.event == "handout" for trace in uses),
        "calls": sum(trace.event == "proxy" for trace in uses),
        "since": kept_since if not traces.is_cut else uses[-1].at if uses else now,
    }
