"""Adds audit records to the hash chain, window after window, after the time in which late records may arrive.

A request only writes its audit record. The schedule extends the chain later, with a key that no request can decrypt.
"""

from chalicelib.audit.hash_chain import build_seal, hash_of, is_genuine
from chalicelib.ports import Broker
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.seal import SETTLE_SECONDS, WINDOW_SECONDS, AuditSeal, window_of

LEAST_SECONDS = 8  # longer than one batch of records, or the digests of millions, takes


def seal_windows(broker: Broker) -> list[AuditSeal]:
    """Seal every settled window, oldest first, as long as there is time; returns the new links.

    If several processes run at once, only one makes a link. The chain begins with the newest settled window.
    Raises StoreUnavailable.
    """
    made = list[AuditSeal]()
    try:
        last = broker.queue.last_seal()
    except DecryptionFailed as broken:
        broker.log.event("alarm", kind="audit_seal_broken", reason=str(broken))
        return made
    settled = window_of(broker.clock.now() - SETTLE_SECONDS)  # the first window that may still get records
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
            break  # the next run continues this window, or another process does
        seal = build_seal(digests, window=window, previous=last, keys=keys, now=broker.clock.now())
        if not broker.queue.put_seal(seal):
            break  # another process was faster and continues
        # The log is outside the table: an attacker who rewrites the chain contradicts the log. 128 bits are enough for
        # that.
        said = {"number": seal.number, "window": window, "count": seal.count, "head": hash_of(seal).hex()[:32]}
        broker.log.event("audit_sealed", **said)
        made.append(seal)
        last, window = seal, window + WINDOW_SECONDS
    return made
