"""The broker's cookies: a random browser id, pending decisions, and the session. All but the id are encrypted.

`__Host-` and Secure follow the issuer's scheme, because browsers refuse Secure over loopback http.
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
OURS = "tb_"  # the prefix of all these names
PROVIDER_SECONDS = 180 * 86400
SLOTS = 3
SLOT_BYTES = 3800
ALL_SLOTS_BYTES = 5000


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """The number of wrong user codes from one browser, and when it is reset."""

    count: int = 0
    ends_at: int = 0


class SessionOwner(msgspec.Struct, frozen=True):
    """The outer layer of a session cookie, encrypted under the cookie key alone. It does not prove the session.

    account_id   opaque; finds this user's connection with a client without another read
    inner        a BrowserSession, encrypted under a key that mixes in the subject's salt
    sid, told    the session id and the apps to notify at its end, so that a sign-out needs no read
    ends_at      expiry, after which no app is notified
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
    """One Set-Cookie header; max_age None: until the browser closes, 0: delete."""
    secure = "" if broker.settings.is_loopback else "; Secure"
    age = "" if max_age is None else f"; Max-Age={max_age}"
    return ("Set-Cookie", f"{full_name(broker, name)}={value}; Path=/{age}; HttpOnly; SameSite={same_site}{secure}")


def read_cookie(broker: Broker, request: Request, name: str) -> str:
    """The raw value; "" if there is none. Under https, no other host of the domain can plant it."""
    return request.cookies.get(full_name(broker, name), "")


def read_browser(broker: Broker, request: Request) -> str | None:
    """This browser's random id; None if it is missing or malformed."""
    value = request.cookies.get(full_name(broker, BROWSER), "")
    return value if len(value) == 43 and value.isascii() else None


def new_browser(broker: Broker) -> str:
    """A fresh random id, 256 bits."""
    return base64.urlsafe_b64encode(broker.entropy.token_bytes(32)).rstrip(b"=").decode()


def read_language(broker: Broker, request: Request) -> str:
    """The language that an app requested for the present sign-in; unverified."""
    return request.cookies.get(full_name(broker, LANGUAGE), "")


def set_provider(broker: Broker, provider_id: str) -> tuple[str, str]:
    """The cookie with the last provider of this browser, until it signs out."""
    return set_cookie(broker, PROVIDER, provider_id, max_age=PROVIDER_SECONDS)


def read_provider(broker: Broker, request: Request) -> str:
    """The last provider; unverified, so it may only decide which button comes first."""
    return request.cookies.get(full_name(broker, PROVIDER), "")


def seal_pending(broker: Broker, pending: Pending) -> str:
    """The value of a pending cookie."""
    return seal_value(broker, msgspec.msgpack.encode(pending), "pending", pending.state)


def set_pending(broker: Broker, request: Request, pending: Pending, sealed: str) -> tuple[tuple[str, str], ...]:
    """Store a pending decision in its slot. The oldest slots are deleted, so that at most three and 5 KB remain."""
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
    """The decision of this browser for this state; None if there is none, or it has expired."""
    value = request.cookies.get(full_name(broker, PENDING) + _slot(state), "")
    opened = open_value(broker, value.partition(".")[2], "pending", state)
    pending = read_value(opened, Pending)
    if pending is None:
        return None
    # No lower bound: a decision made while a cutoff lies ahead counts as made at the cutoff's `not_before`.
    alive = broker.clock.now() - pending.decided_at < broker.settings.pending_seconds
    return pending if alive and hmac.compare_digest(pending.state, state) else None


def set_tries(broker: Broker, browser: str, tries: Tries) -> tuple[str, str]:
    """The cookie that counts this browser's wrong user codes."""
    value = seal_value(broker, msgspec.msgpack.encode(tries), "tries", browser_hash(browser))
    return set_cookie(broker, TRIES, value, max_age=max(tries.ends_at - broker.clock.now(), 0))


def read_tries(broker: Broker, request: Request, browser: str) -> Tries:
    """The count in the present window; zero without a valid cookie of this browser."""
    opened = open_value(broker, request.cookies.get(full_name(broker, TRIES), ""), "tries", browser_hash(browser))
    tries = read_value(opened, Tries)
    return tries if tries is not None and tries.ends_at > broker.clock.now() else Tries()


def seal_session(
    broker: Broker, session: BrowserSession, session_salt: bytes, told: tuple[LogoutRecipient, ...] = ()
) -> tuple[str, str]:
    """The browser session as a cookie. The inner layer is encrypted under a key that mixes in the subject's salt."""
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
    """The owner that the session cookie claims; `open_session` proves it."""
    opened = open_value(broker, request.cookies.get(full_name(broker, SESSION), ""), "session")
    return read_value(opened, SessionOwner)


def sign_out_key(owner: SessionOwner) -> ItemKey[UsedOnce]:
    """The item key of this session's sign-out, the same for every copy of its cookie."""
    return seen_item_key(hashlib.sha256(canonical("session", owner.sid)).hexdigest())


def sign_out_keys(owner: SessionOwner | None) -> tuple[ItemKey[UsedOnce], ...]:
    """The item key for the next batch read; none without a session cookie."""
    return () if owner is None else (sign_out_key(owner),)


def end_session(broker: Broker, owner: SessionOwner) -> None:
    """End every copy of this session's cookie, with one write that is stored as long as a copy could be valid."""
    now = broker.clock.now()
    mark = sign_out_key(owner).pk.partition("#")[2]
    broker.store.claim_once(mark, now=now, expires_at=max(owner.ends_at, now + broker.settings.session_seconds))


def open_session(
    broker: Broker, outer: SessionOwner, subject: Subject | None, *, sign_out: UsedOnce | None, now: int
) -> BrowserSession | None:
    """The session, if the user is not disabled, the salt is unchanged, and nothing has ended the session.

    sign_out   the item stored at `sign_out_key` of this session
    """
    if subject is None or sign_out is not None:
        return None
    session = vault_session.open_session(
        broker.keys.get("cookie"), outer.inner, sub=outer.sub, session_salt=subject.session_salt
    )
    if session is None:
        return None
    alive = now < session.expires_at and session.epoch == broker.settings.epoch
    ended = subject.marks.void(session.signed_in_at)
    return session if alive and not ended and session.account_id == outer.account_id else None


def full_name(broker: Broker, name: str) -> str:
    """The name under this issuer: with `__Host-` under https."""
    return name if broker.settings.is_loopback else f"__Host-{name}"


def _slot(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()[:8]


def _age(value: str) -> int:
    """The unverified time in a pending cookie; it only decides which slot is deleted."""
    try:
        return int(value.partition(".")[0], 16)
    except ValueError:
        return 0
