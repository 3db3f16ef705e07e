"""Sealing what is on record: window after window, each link over the one before, behind all that may come late.

A request writes its audit record and nothing more; the chain is made afterwards, by the schedule alone, under a key
that no request can open.
"""

from chalicelib.audit.hash_chain import build_seal, hash_of, is_genuine
from chalicelib.ports import Broker
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.seal import SETTLE_SECONDS, WINDOW_SECONDS, AuditSeal, window_of

LEAST_SECONDS = 8  # what one batch of records takes, or the digests of millions, and more


def seal_windows(broker: Broker) -> list[AuditSeal]:
    """Seal every window that has settled, oldest first, as long as there is time; the links that were made.

    Of several who run at once one makes a link. The chain begins with the window in which nothing stands yet.
    Raises StoreUnavailable.
    """
    made = list[AuditSeal]()
    try:
        last = broker.queue.last_seal()
    except DecryptionFailed as broken:
        broker.log.event("alarm", kind="audit_seal_broken", reason=str(broken))
        return made
    settled = window_of(broker.clock.now() - SETTLE_SECONDS)  # the first one that may still get records
    window = last.window + WINDOW_SECONDS if last else settled - WINDOW_SECONDS
    if window >= settled:
        return made
    keys = broker.keys.get("audit")
    if last and not is_genuine(last, keys):
        broker.log.event("alarm", kind="audit_seal_broken", number=last.number, window=last.window)
        return made
    while window < settled and broker.deadline.left() > LEAST_SECONDS:
        digests = broker.queue.digest_window(window, has_time=lambda: broker.deadline.left() > LEAST_SECONDS)
        if digests is None:
            break  # the next run goes on in this window, or somebody else does
        seal = build_seal(digests, window=window, previous=last, keys=keys, now=broker.clock.now())
        if not broker.queue.put_seal(seal):
            break  # somebody else was faster, and goes on
        # The log is out of the table's reach: who rewrites the chain contradicts it (128 bits are enough for that).
        said = {"number": seal.number, "window": window, "count": seal.count, "head": hash_of(seal).hex()[:32]}
        broker.log.event("audit_sealed", **said)
        made.append(seal)
        last, window = seal, window + WINDOW_SECONDS
    return made
