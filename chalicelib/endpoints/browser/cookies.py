"""What the browser keeps for us: a random name for itself, pending decisions, its session. All sealed but the first.

`__Host-` and Secure follow the issuer's scheme, since cookie jars refuse Secure over loopback http.
"""

import base64
import hashlib
import hmac
import re
from typing import Literal

import msgspec

from chalicelib.endpoints.browser import session_encryption as vault_session
from chalicelib.endpoints.browser.sealed_values import browser_hash, open_value, read_value, seal_value
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.protocol.sealing import canonical
from chalicelib.records.item_keys import ItemKey, seen_item_key
from chalicelib.records.sign_in import BrowserSession, LogoutRecipient, Pending
from chalicelib.records.small_items import UsedOnce
from chalicelib.records.subject import Subject

Headers = tuple[tuple[str, str], ...]
BROWSER, PENDING, SESSION, TRIES = "tb_browser", "tb_pending_", "tb_session", "tb_tries"
LANGUAGE, PROVIDER = "tb_language", "tb_provider"
OURS = "tb_"  # all of these begin with it
PROVIDER_SECONDS = 180 * 86400
SLOTS = 3
SLOT_BYTES = 3800
ALL_SLOTS_BYTES = 5000


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """Wrong user codes of one browser, and when they are forgotten."""

    count: int = 0
    ends_at: int = 0


class SessionOwner(msgspec.Struct, frozen=True):
    """What the cookie key alone opens: whose key the rest is under, and which account; nobody is signed in by it.

    account_id   opaque, so that this user's connection with a client is found without a further read
    inner        a BrowserSession, sealed under a key that mixes in the subject's salt
    sid, told    what is said when the session ends, and to which apps: so signing out needs no reading
    ends_at      when it ends by itself, after which nobody is told anything
    """

    sub: str
    account_id: str
    inner: bytes
    sid: str = ""
    told: tuple[LogoutRecipient, ...] = ()
    ends_at: int = 0


def set_cookie(
    broker: Broker, name: str, value: str, *, max_age: int | None, same_site: Literal["Lax", "Strict"] = "Lax"
) -> tuple[str, str]:
    """One Set-Cookie header; None lives as long as the browser, 0 forgets."""
    secure = "" if broker.settings.is_loopback else "; Secure"
    age = "" if max_age is None else f"; Max-Age={max_age}"
    return ("Set-Cookie", f"{full_name(broker, name)}={value}; Path=/{age}; HttpOnly; SameSite={same_site}{secure}")


def read_cookie(broker: Broker, request: Request, name: str) -> str:
    """The value as it came; "" where there is none. Under https no other host of the domain can plant it."""
    return request.cookies.get(full_name(broker, name), "")


def read_browser(broker: Broker, request: Request) -> str | None:
    """This browser's random name; None where it has none or one that is not ours in form."""
    value = request.cookies.get(full_name(broker, BROWSER), "")
    return value if len(value) == 43 and value.isascii() else None


def new_browser(broker: Broker) -> str:
    """A fresh random name, 256 bits."""
    return base64.urlsafe_b64encode(broker.entropy.token_bytes(32)).rstrip(b"=").decode()


def read_language(broker: Broker, request: Request) -> str:
    """What an app wished for the trip that this browser is on; anybody may have written it."""
    return request.cookies.get(full_name(broker, LANGUAGE), "")


def set_provider(broker: Broker, provider_id: str) -> tuple[str, str]:
    """The cookie that remembers with whom this browser signed in last, until it signs out."""
    return set_cookie(broker, PROVIDER, provider_id, max_age=PROVIDER_SECONDS)


def read_provider(broker: Broker, request: Request) -> str:
    """With whom that was; anybody may have written it, so that it may tick a card and nothing more."""
    return request.cookies.get(full_name(broker, PROVIDER), "")


def seal_pending(broker: Broker, pending: Pending) -> str:
    """The value of a pending cookie."""
    return seal_value(broker, msgspec.msgpack.encode(pending), "pending", pending.state)


def set_pending(broker: Broker, request: Request, pending: Pending, sealed: str) -> tuple[tuple[str, str], ...]:
    """Put one pending decision into its slot; the oldest slots make room, so that at most three and 5 KB remain."""
    prefix = full_name(broker, PENDING)
    ours = re.compile(re.escape(prefix) + "[0-9a-f]{8}")
    others = [name for name in request.cookies if ours.fullmatch(name) and name != prefix + _slot(pending.state)]
    kept: list[str] = []
    room = ALL_SLOTS_BYTES - len(sealed)
    for name in sorted(others, key=lambda name: _age(request.cookies[name]), reverse=True):
        room -= len(request.cookies[name])
        if len(kept) < SLOTS - 1 and room >= 0:
            kept.append(name)
    dropped = [name.removeprefix(prefix) for name in others if name not in kept]
    stamped = f"{pending.decided_at:x}.{sealed}"
    life = broker.settings.pending_seconds
    return (
        set_cookie(broker, PENDING + _slot(pending.state), stamped, max_age=life),
        *(set_cookie(broker, PENDING + slot, "", max_age=0) for slot in dropped),
    )


def read_pending(broker: Broker, request: Request, state: str) -> Pending | None:
    """The decision that this browser took for this state; None where it took none, or too long ago."""
    value = request.cookies.get(full_name(broker, PENDING) + _slot(state), "")
    opened = open_value(broker, value.partition(".")[2], "pending", state)
    pending = read_value(opened, Pending)
    if pending is None:
        return None
    # No lower bound: what is decided with a mark in view counts as made at the mark's `not_before`, which is ahead.
    alive = broker.clock.now() - pending.decided_at < broker.settings.pending_seconds
    return pending if alive and hmac.compare_digest(pending.state, state) else None


def set_tries(broker: Broker, browser: str, tries: Tries) -> tuple[str, str]:
    """The cookie that counts this browser's wrong user codes."""
    value = seal_value(broker, msgspec.msgpack.encode(tries), "tries", browser_hash(browser))
    return set_cookie(broker, TRIES, value, max_age=max(tries.ends_at - broker.clock.now(), 0))


def read_tries(broker: Broker, request: Request, browser: str) -> Tries:
    """How many there were in the window that runs; none where there is no such cookie of this browser."""
    opened = open_value(broker, request.cookies.get(full_name(broker, TRIES), ""), "tries", browser_hash(browser))
    tries = read_value(opened, Tries)
    return tries if tries is not None and tries.ends_at > broker.clock.now() else Tries()


def seal_session(
    broker: Broker, session: BrowserSession, session_salt: bytes, told: tuple[LogoutRecipient, ...] = ()
) -> tuple[str, str]:
    """The browser session as a cookie: the rest of it is under a key that mixes in the subject's salt."""
    inner = vault_session.seal_session(
        broker.keys.get("cookie"), session, session_salt, salt=broker.entropy.token_bytes(32)
    )
    outer = SessionOwner(
        sub=session.sub,
        account_id=session.account_id,
        inner=inner,
        sid=session.sid,
        told=told,
        ends_at=session.expires_at,
    )
    value = seal_value(broker, msgspec.msgpack.encode(outer), "session")
    return set_cookie(broker, SESSION, value, max_age=max(session.expires_at - broker.clock.now(), 0))


def read_session_owner(broker: Broker, request: Request) -> SessionOwner | None:
    """Whose session this browser claims to have; nothing is proven before `open_session`."""
    opened = open_value(broker, request.cookies.get(full_name(broker, SESSION), ""), "session")
    return read_value(opened, SessionOwner)


def ended_place(owner: SessionOwner) -> ItemKey[UsedOnce]:
    """Where the sign-out of this session is stored, whichever copy of its cookie comes."""
    return seen_item_key(hashlib.sha256(canonical("session", owner.sid)).hexdigest())


def ended_places(owner: SessionOwner | None) -> tuple[ItemKey[UsedOnce], ...]:
    """The same for the next batch read; nothing without a cookie of ours."""
    return () if owner is None else (ended_place(owner),)


def end_session(broker: Broker, owner: SessionOwner) -> None:
    """No copy of this session's cookie opens from now on: one write, stored as long as any of them could live."""
    now = broker.clock.now()
    mark = ended_place(owner).pk.partition("#")[2]
    broker.store.claim_once(mark, now=now, expires_at=max(owner.ends_at, now + broker.settings.session_seconds))


def open_session(
    broker: Broker, outer: SessionOwner, subject: Subject | None, *, sign_out: UsedOnce | None
) -> BrowserSession | None:
    """The session, if the subject is alive, its salt unchanged, and nothing has ended it since.

    sign_out   what is stored at `ended_place` of this session
    """
    if subject is None or sign_out is not None:
        return None
    session = vault_session.open_session(
        broker.keys.get("cookie"), outer.inner, sub=outer.sub, session_salt=subject.session_salt
    )
    if session is None:
        return None
    alive = broker.clock.now() < session.expires_at and session.epoch == broker.settings.epoch
    ended = subject.marks.void(session.signed_in_at)
    return session if alive and not ended and session.account_id == outer.account_id else None


def full_name(broker: Broker, name: str) -> str:
    """The name under this issuer: with `__Host-` under https."""
    return name if broker.settings.is_loopback else f"__Host-{name}"


def _slot(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()[:8]


def _age(value: str) -> int:
    """The unproven time in front of a pending cookie: it only decides which one makes room."""
    try:
        return int(value.partition(".")[0], 16)
    except ValueError:
        return 0
