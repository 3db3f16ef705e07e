"""What a provider remembers: clients, codes and tokens, and the faults that are switched on."""

import hashlib
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from local.fake.faults import Faults
from local.fake.people import User

CODE_SECONDS = 60
ACCESS_TOKEN_SECONDS = 120
Ends = Literal["token", "family", "app"]


@dataclass(frozen=True)
class Client:
    """An app registered here; without a secret a public one.

    redirect_uris   "*" among them: any
    public_key      PEM; what it signs proves it where the provider takes signatures
    """

    client_id: str
    client_secret: str | None
    redirect_uris: tuple[str, ...]
    name: str
    public_key: str | None = None

    def may_return_to(self, redirect_uri: str) -> bool:
        """Byte for byte."""
        return redirect_uri in self.redirect_uris or (bool(redirect_uri) and "*" in self.redirect_uris)


@dataclass
class Family:
    """Everything that came out of one sign-in: revoking it ends all of its tokens.

    lifetime      of its access tokens in seconds; None: they do not expire
    begun_at      when the user allowed it
    prefix        before its tokens
    offline       it has refresh tokens
    refresh_ends  epoch seconds after which no refresh token of it is taken; None: never
    """

    client_id: str
    user: User
    scopes: frozenset[str]
    openid: bool
    offline: bool
    nonce: str | None
    redirect_uri: str
    challenge: str | None
    code: str
    code_expires_at: float
    auth_time: int
    acr: str = ""
    lifetime: int | None = ACCESS_TOKEN_SECONDS
    prefix: str = "demo_"
    refresh_ends: float | None = None
    redeemed: bool = False
    revoked: bool = False
    refresh_token: str | None = None
    siblings: set[str] = field(default_factory=set)
    used: str | None = None

    def takes(self, token: str) -> bool:
        """True for a refresh token that has not been spent."""
        return bool(token) and (token == self.refresh_token or token in self.siblings)

    def forget(self, token: str) -> None:
        """End this one refresh token."""
        self.siblings.discard(token)
        self.refresh_token = None if token == self.refresh_token else self.refresh_token


@dataclass
class Spent:
    """A refresh token that was used, and what it gave."""

    family: Family
    child: str
    at: float


@dataclass
class AccessToken:
    """`expires_at` None: it does not expire."""

    family: Family
    expires_at: float | None
    revoked: bool = False


class Refused(Exception):
    """An OAuth error code for the caller."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Grants:
    """All state, under one lock.

    advanced   seconds by which a test advanced the clock
    """

    clock: Callable[[], float] = time.time
    faults: Faults = field(default_factory=Faults)
    clients: dict[str, Client] = field(default_factory=dict)
    families: list[Family] = field(default_factory=list)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    spent_refresh_tokens: dict[str, Spent] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)
    advanced: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def now(self) -> float:
        """Epoch seconds here."""
        return self.clock() + self.advanced

    def begin(self, client: Client, user: User, asked: dict[str, str], scopes: frozenset[str], **more: Any) -> Family:
        """The user said yes: a code for one use within a minute."""
        family = Family(
            client_id=client.client_id,
            user=user,
            scopes=(scopes - self.faults.fewer_scopes) | self.faults.more_scopes,
            nonce=asked.get("nonce"),
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge"),
            code="demo_code_" + secrets.token_urlsafe(24),
            code_expires_at=self.now() + CODE_SECONDS,
            auth_time=int(self.now()),
            acr=self.faults.acr or asked.get("acr_values", "").partition(" ")[0],
            **more,
        )
        with self.lock:
            self.families.append(family)
        return family

    def redeem(self, client: Client, form: dict[str, str], *, ends_older: bool = False) -> Family:
        """Exchange a code. A second use ends what the first one gave.

        ends_older   ends the same user's earlier sign-ins at this client
        """
        with self.lock:
            family = next((each for each in self.families if each.code == form.get("code")), None)
            if family is None or family.client_id != client.client_id:
                raise Refused("invalid_grant")
            if family.redeemed:
                family.revoked = True
                raise Refused("invalid_grant")
            if self.now() > family.code_expires_at or form.get("redirect_uri") != family.redirect_uri:
                raise Refused("invalid_grant")
            if family.challenge is not None and s256(form.get("code_verifier", "")) != family.challenge:
                raise Refused("invalid_grant")
            if ends_older:
                self._end_all(family, but=family)
            family.redeemed = True
            return family

    def refresh(self, client: Client, token: str) -> Family:
        """Rotate. A refresh token that was used before ends the whole family, unless other manners are set."""
        with self.lock:
            spent = self.spent_refresh_tokens.get(token)
            if spent is not None and spent.family.client_id == client.client_id:
                if self.faults.grace and self.now() < spent.at + self.faults.grace_seconds:
                    if not spent.family.revoked:
                        spent.family.used = token
                        return spent.family
                elif self.faults.reuse == "revoke":
                    spent.family.revoked = True
                raise Refused("invalid_grant")
            for family in self.families:
                if family.takes(token) and family.client_id == client.client_id:
                    if family.revoked or (family.refresh_ends is not None and self.now() >= family.refresh_ends):
                        break
                    family.used = token
                    return family
        raise Refused("invalid_grant")

    def swap(self, client: Client, access_token: str) -> Family:
        """A live access token for another one."""
        family = self.whose(access_token)
        if family is None or family.client_id != client.client_id:
            raise Refused("invalid_grant")
        return family

    def issue(self, family: Family) -> dict[str, object]:
        """New tokens for a family, under the RFC's names; the ID token is the caller's business."""
        with self.lock:
            access_token = family.prefix + "at_" + secrets.token_urlsafe(24)
            access_token = access_token.ljust(self.faults.token_characters, "x")
            ends = None if family.lifetime is None else self.now() + family.lifetime
            self.access_tokens[access_token] = AccessToken(family, ends)
            answer: dict[str, object] = {"access_token": access_token, "token_type": self.faults.token_type}
            if family.lifetime is not None:
                answer["expires_in"] = family.lifetime
            if self.faults.expires_in is not None:
                answer["expires_in"] = self.faults.expires_in
            if self.faults.drop_expires_in:
                answer.pop("expires_in", None)
            if not self.faults.drop_scope:
                answer["scope"] = ",".join(sorted(family.scopes))
            if family.offline and not self.faults.drop_refresh_token:
                answer["refresh_token"] = self._next_refresh_token(family)
            return answer

    def _next_refresh_token(self, family: Family) -> str:
        used, family.used = family.used, None
        if used is None or self.faults.static_refresh:
            family.refresh_token = family.refresh_token or family.prefix + "rt_" + secrets.token_urlsafe(24)
            return family.refresh_token
        spent = self.spent_refresh_tokens.get(used)
        if spent is not None and self.faults.grace == "same":
            return spent.child
        if spent is not None and self.faults.grace == "sibling" and family.refresh_token:
            family.siblings.add(family.refresh_token)
        family.siblings.discard(used)
        family.refresh_token = family.prefix + "rt_" + secrets.token_urlsafe(24)
        self.spent_refresh_tokens[used] = Spent(family, family.refresh_token, self.now())
        return family.refresh_token

    def whose(self, access_token: str) -> Family | None:
        """The family of a live access token."""
        with self.lock:
            token = self.access_tokens.get(access_token)
            if token is None or token.revoked or token.family.revoked:
                return None
            if token.expires_at is not None and self.now() >= token.expires_at:
                return None
            return token.family

    def revoke(self, client: Client, token: str, ends: Ends | None = None) -> bool:
        """End a token of this client; another client's is left alone.

        ends   that token alone, its family, or all of the user's sign-ins at this client; None: a refresh token ends
               its family, an access token itself
        """
        with self.lock:
            family = self._of(client, token)
            if family is None:
                return False
            access = self.access_tokens.get(token)
            if ends == "app":
                self._end_all(family)
            elif ends == "family" or (ends is None and access is None):
                family.revoked = True
            elif access is not None:
                access.revoked = True
            else:
                family.forget(token)
            return True

    def end_access_tokens(self) -> None:
        """The time of each that was given until now is up."""
        with self.lock:
            for token in self.access_tokens.values():
                token.expires_at = min(self.now(), token.expires_at or self.now())

    def client_of(self, token: str) -> Client | None:
        """The user of the token."""
        with self.lock:
            owners = (client for client in self.clients.values() if self._of(client, token) is not None)
            return next(owners, None)

    def _of(self, client: Client, token: str) -> Family | None:
        access = self.access_tokens.get(token)
        if access is not None:
            return None if access.revoked or access.family.client_id != client.client_id else access.family
        mine = (family for family in self.families if family.client_id == client.client_id)
        return next((family for family in mine if family.takes(token)), None)

    def _end_all(self, family: Family, but: Family | None = None) -> None:
        for each in self.families:
            if each is not but and (each.client_id, each.user.sub) == (family.client_id, family.user.sub):
                each.revoked = True

    def kept_for(self, user: User, at_first: Callable[[User], tuple[str, ...]]) -> list[str]:
        """The items of a user, who may add to them."""
        with self.lock:
            return self.kept.setdefault(user.login, list(at_first(user)))


def s256(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
