"""What the demo provider remembers: clients, codes, tokens, and the faults that a test has switched on."""

import hashlib
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, fields

CODE_SECONDS = 60
ACCESS_TOKEN_SECONDS = 120
SCOPES = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your e-mail address",
    "offline_access": "Keep its access while you are away",
    "notes:read": "Read your notes",
    "notes:write": "Read, add and change your notes",
    "read:user": "Read your profile",
    "user:email": "Read your e-mail addresses",
    "repo": "Read and change your repositories",
}


@dataclass(frozen=True)
class User:
    """Somebody with an account here. `number` is what the profile without OpenID calls an id."""

    login: str
    sub: str
    number: int
    name: str
    email: str
    notes: tuple[str, ...]


USERS = {
    "alice": User(
        "alice", "demo-7f3a51", 1001, "Alice Almeida", "alice@demo.example", ("Buy oranges", "Call Bob back")
    ),
    "bob": User(
        "bob", "demo-c20d98", 1002, "Bob Baumann", "bob@demo.example", ("Water the ficus", "Read RFC 9700 again")
    ),
}


@dataclass
class Faults:
    """Ways to misbehave, all off. They hold until `reset()`.

    at            where `status`, `html`, `huge`, `broken_json`, `slow_seconds`, `lose_answer` apply: names as in
                  `Received.endpoint`
    token_error   answered instead of tokens; `errors_as_200` says with which status
    lose_answer   the request is carried out, then the connection ends without an answer
    static_refresh, reuse, grace, grace_seconds   other providers' manners with refresh tokens: one for ever; what a
                  spent one does ("revoke", "refuse"); what it still gives for a while ("same", "sibling", "newest")
    """

    at: frozenset[str] = frozenset({"token"})
    status: int | None = None
    html: bool = False
    huge: bool = False
    broken_json: bool = False
    slow_seconds: float = 0.0
    lose_answer: bool = False
    token_error: str | None = None
    errors_as_200: bool = False
    drop_refresh_token: bool = False
    static_refresh: bool = False
    reuse: str = "revoke"
    grace: str = ""
    grace_seconds: int = 30
    drop_id_token: bool = False
    drop_scope: bool = False
    fewer_scopes: frozenset[str] = frozenset()
    more_scopes: frozenset[str] = frozenset()
    expires_in: object = None
    token_type: str = "bearer"
    wrong_nonce: bool = False
    wrong_id_token_issuer: bool = False
    wrong_audience: bool = False
    wrong_key: bool = False
    unsigned: bool = False
    expired_id_token: bool = False
    wrong_iss: bool = False
    omit_iss: bool = False
    wrong_state: bool = False
    other_userinfo_subject: bool = False
    no_email: bool = False
    unverified_email: bool = False

    def reset(self) -> None:
        """Behave again."""
        for each in fields(self):
            setattr(self, each.name, each.default)


@dataclass(frozen=True)
class Client:
    """An app registered here; without a secret a public one."""

    client_id: str
    client_secret: str | None
    redirect_uris: tuple[str, ...]
    name: str


@dataclass
class Family:
    """Everything that came out of one sign-in: revoking it ends all of its tokens."""

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
    redeemed: bool = False
    revoked: bool = False
    refresh_token: str | None = None
    siblings: set[str] = field(default_factory=set)
    used: str | None = None

    def takes(self, token: str) -> bool:
        """True for a refresh token that has not been spent."""
        return bool(token) and (token == self.refresh_token or token in self.siblings)


@dataclass
class Spent:
    """A refresh token that was used, and what it gave."""

    family: Family
    child: str
    at: float


@dataclass
class AccessToken:
    """`expires_at` None: it never ends by itself."""

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
    """All state, under one lock."""

    clock: Callable[[], float] = time.time
    faults: Faults = field(default_factory=Faults)
    clients: dict[str, Client] = field(default_factory=dict)
    families: list[Family] = field(default_factory=list)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    spent_refresh_tokens: dict[str, Spent] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def begin(self, client: Client, user: User, asked: dict[str, str], *, openid: bool) -> Family:
        """The user said yes: a code for one use within a minute."""
        scopes = frozenset(asked.get("scope", "").replace(",", " ").split())
        family = Family(
            client_id=client.client_id,
            user=user,
            scopes=(scopes - self.faults.fewer_scopes) | self.faults.more_scopes,
            openid=openid and "openid" in scopes,
            offline=openid and (asked.get("access_type") == "offline" or "offline_access" in scopes),
            nonce=asked.get("nonce"),
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge"),
            code="demo_code_" + secrets.token_urlsafe(24),
            code_expires_at=self.clock() + CODE_SECONDS,
            auth_time=int(self.clock()),
        )
        with self.lock:
            self.families.append(family)
        return family

    def redeem(self, client: Client, form: dict[str, str]) -> Family:
        """Exchange a code. A second use ends what the first one gave."""
        with self.lock:
            family = next((each for each in self.families if each.code == form.get("code")), None)
            if family is None or family.client_id != client.client_id:
                raise Refused("invalid_grant")
            if family.redeemed:
                family.revoked = True
                raise Refused("invalid_grant")
            if self.clock() > family.code_expires_at or form.get("redirect_uri") != family.redirect_uri:
                raise Refused("invalid_grant")
            if family.challenge is not None and s256(form.get("code_verifier", "")) != family.challenge:
                raise Refused("invalid_grant")
            family.redeemed = True
            return family

    def refresh(self, client: Client, form: dict[str, str]) -> Family:
        """Rotate. A refresh token that was used before ends the whole family, unless other manners are set."""
        token = form.get("refresh_token", "")
        with self.lock:
            spent = self.spent_refresh_tokens.get(token)
            if spent is not None and spent.family.client_id == client.client_id:
                if self.faults.grace and self.clock() < spent.at + self.faults.grace_seconds:
                    if not spent.family.revoked:
                        spent.family.used = token
                        return spent.family
                elif self.faults.reuse == "revoke":
                    spent.family.revoked = True
                raise Refused("invalid_grant")
            for family in self.families:
                if family.takes(token) and family.client_id == client.client_id:
                    if family.revoked:
                        break
                    family.used = token
                    return family
        raise Refused("invalid_grant")

    def issue(self, family: Family) -> dict[str, object]:
        """New tokens for a family; the ID token is the caller's business."""
        with self.lock:
            access_token = ("demo_at_" if family.openid else "gho_") + secrets.token_urlsafe(24)
            ends = self.clock() + ACCESS_TOKEN_SECONDS if family.openid else None
            self.access_tokens[access_token] = AccessToken(family, ends)
            answer: dict[str, object] = {"access_token": access_token, "token_type": self.faults.token_type}
            if family.openid:
                answer["expires_in"] = ACCESS_TOKEN_SECONDS
            if self.faults.expires_in is not None:
                answer["expires_in"] = self.faults.expires_in
            if not self.faults.drop_scope:
                answer["scope"] = ",".join(sorted(family.scopes))
            if family.offline and not self.faults.drop_refresh_token:
                answer["refresh_token"] = self._next_refresh_token(family)
            return answer

    def _next_refresh_token(self, family: Family) -> str:
        used, family.used = family.used, None
        if used is None or self.faults.static_refresh:
            family.refresh_token = family.refresh_token or "demo_rt_" + secrets.token_urlsafe(24)
            return family.refresh_token
        spent = self.spent_refresh_tokens.get(used)
        if spent is not None and self.faults.grace == "same":
            return spent.child
        if spent is not None and self.faults.grace == "sibling" and family.refresh_token:
            family.siblings.add(family.refresh_token)
        family.siblings.discard(used)
        family.refresh_token = "demo_rt_" + secrets.token_urlsafe(24)
        self.spent_refresh_tokens[used] = Spent(family, family.refresh_token, self.clock())
        return family.refresh_token

    def whose(self, access_token: str) -> Family | None:
        """The family of a live access token."""
        with self.lock:
            token = self.access_tokens.get(access_token)
            if token is None or token.revoked or token.family.revoked:
                return None
            if token.expires_at is not None and self.clock() >= token.expires_at:
                return None
            return token.family

    def revoke(self, client: Client, token: str) -> bool:
        """A refresh token ends its family, an access token itself; another client's token is left alone."""
        with self.lock:
            access = self.access_tokens.get(token)
            if access is not None and access.family.client_id == client.client_id and not access.revoked:
                access.revoked = True
                return True
            for family in self.families:
                if family.client_id == client.client_id and family.takes(token):
                    family.revoked = True
                    return True
        return False

    def notes_of(self, user: User) -> list[str]:
        """The user's notes, which the user may add to."""
        with self.lock:
            return self.notes.setdefault(user.login, list(user.notes))


def s256(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
