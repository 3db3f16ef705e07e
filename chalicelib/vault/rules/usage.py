"""How often a connection was used, out of what is on record of it."""

from chalicelib.records.audit import Traces


def count_use(traces: Traces, *, kept_since: int, now: int) -> dict[str, int]:
    """Each count with the time from which it is whole.

    kept_since   how far back the records go
    now          where there are more than were looked at, and none of this connection among those, nothing is known of
                 any time before

    Where there are more, `since` is the time of the earliest use that was counted, not of the earliest record that was
    looked at: that may be another app's, and an app learns nothing of when others are used (VLT-01).
    """
    uses = [trace for trace in traces.found if trace.event in ("handout", "proxy")]
    last = {"last_used_at": uses[0].at} if uses else {}
    return {
        **last,
        "handouts": sum(trace.event == "handout" for trace in uses),
        "calls": sum(trace.event == "proxy" for trace in uses),
        "since": kept_since if not traces.is_cut else uses[-1].at if uses else now,
    }
