"""Sign-ins in any order, and what is known of the connections that they leave.

Whatever fails: an `active` connection at rest has a refresh token that its provider takes, and one that has none says
so. Nobody has to sign in again because of a table that was away for a moment.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from chalicelib.encryption import encryption_context_of, open_user_key, open_value
from chalicelib.protocol.handles import parse_handle
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, grant_item_key, user_key_item_key
from tests.concurrency.fuzz.chain import CODE_SECONDS, begin, read_chain
from tests.concurrency.fuzz.ground import Bad
from tests.concurrency.fuzz.held import Held, Link
from tests.concurrency.fuzz.rules import BAD, GrantRules
from tests.kit.connection_scene import PROFILES
from tests.kit.http.stack import APP, SignIn

PEOPLE, APPS = st.sampled_from(["alice", "bob"]), st.sampled_from([0, 1])
FAILURES: list[dict[str, Any]] = [
    {"lose_answer": True},
    {"status": 503},
    {"status_after": 500},
    {"cut": True},
    {"html": True},
    {"token_error": "invalid_grant"},
]
FAILS = st.one_of(st.none(), st.none(), st.none(), st.sampled_from(FAILURES))
MAY_BE_LOST = {
    "static": set[str](),
    "once": {"lost"},
    "ask": {"lost"},
    "grace": {"lost"},
    "sibling": {"lost"},
    "app": set[str](),
}


@dataclass
class Trip:
    """A browser at the provider, its user signed in; `held` is what came of it."""

    sign_in: SignIn
    app: int
    who: str
    decided_at: int
    link: Link
    held: Held | None = None
    is_spent: bool = False


class SignInRules(GrantRules):
    """Browsers that leave for the provider and come back."""

    grants, sessions, trips = GrantRules.grants, GrantRules.sessions, Bundle("trips")

    @initialize(targets=(GrantRules.grants, GrantRules.sessions), profile=st.sampled_from(sorted(PROFILES)))
    def begin(self, profile: str) -> Any:
        """Two grants of one user at one app, and one of another at the other, each refreshed once."""
        self.set_up(profile)
        held = [self.sign_in(app, who, None) for app, who in ((0, "alice"), (0, "alice"), (1, "bob"))]
        for one in held:
            self.refresh(one, 0, 0, None)
        return multiple(*held)

    @rule(targets=(GrantRules.grants, GrantRules.sessions), app=APPS, who=PEOPLE, bad=BAD)
    def sign_in(self, app: int, who: str, bad: Bad | None) -> Any:
        """From the page to the first tokens, in one go; something may happen to the last request."""
        held = self.come_back(self.leave(app, who), None, None)
        return held if isinstance(held, Held) and self.redeem(held, bad) is held else multiple()

    @rule(target=trips, app=APPS, who=PEOPLE)
    def leave(self, app: int, who: str) -> Trip:
        """A sign-in as far as the provider's last page."""
        sign_in = self.stack.to_callback(*self.apps[app], who=who)
        return Trip(sign_in, app, who, self.now(), self.link(app, who))

    @rule(target=GrantRules.grants, trip=trips, bad=BAD, provider=FAILS)
    def come_back(self, trip: Trip, bad: Bad | None, provider: dict[str, Any] | None) -> Any:
        """The callback; once more perhaps."""
        expected = self.expects_code(trip)
        outcome = self.ground.send(lambda: trip.sign_in.browser.get(trip.sign_in.callback), bad, provider)
        answer, was_spent = outcome.answer, trip.is_spent
        trip.is_spent = True
        if outcome.struck:
            self.excuse(trip.link, bad, provider)
        code = answer.answered.get("code") if answer is not None and answer.location.startswith(APP) else None
        if code is None:
            assert outcome.struck or was_spent or not expected, answer and answer.body[-300:]
            self.read_link(trip.link)
            return multiple()
        if trip.held is not None:
            assert code == trip.sign_in.code and expected, "a second code of one sign-in"
            return multiple()
        assert expected or was_spent, "a code although nothing should have come of it"
        if not outcome.struck:
            trip.link.excuse = set()
        (client, secret), sign_in = self.apps[trip.app], trip.sign_in
        sign_in.answer = answer
        keys = self.stack.broker.keys
        trip.held = self.hold(
            parse_handle(code, "code", keys.get("handle"), epoch=0, homes="a").grant_id,
            Held(client, secret, trip.link, lambda: self.stack.redeem(sign_in), sign_in, decided_at=trip.decided_at),
        )
        assert was_spent or trip.held.chain == begin(self.now())
        return trip.held

    def expects_code(self, trip: Trip) -> bool:
        """What a callback without faults brings, as long as nothing was laid on an earlier one."""
        now, link = self.now(), trip.link
        if trip.held is not None:
            return trip.held.chain.generation == 0 and not trip.held.chain.is_dead(now)
        fresh = now - trip.decided_at <= CODE_SECONDS
        return fresh and trip.decided_at >= link.void_at and (link.ended_at == 0 or trip.decided_at > link.ended_at)

    def hold(self, grant_id: str, held: Held) -> Held:
        """The grant of a code that an app has got, as it stands."""
        place = grant_item_key(grant_id)
        grant = self.stack.deployment.store.read(place).get(place)
        assert grant is not None and grant.status == "issued"
        held.grant_id, held.chain, held.link.connection_id = grant_id, read_chain(grant), grant.connections["demo"]
        self.read_link(held.link)
        assert held.link.connected
        self.held.append(held)
        self.check_link(held.link)
        return held

    def excuse(self, link: Link, bad: Bad | None, provider: dict[str, Any] | None) -> None:
        """What may have become of the connection by what was laid on a request."""
        if provider and "token_error" in provider:
            link.excuse.add("refused")
        elif provider or (bad and (bad.mode in "CK" or (bad.mode == "A" and bad.times > 1))):
            link.excuse.add("lost")

    def read_link(self, link: Link) -> None:
        """After a sign-in on which something was laid: whether it has connected."""
        if link.connection_id:
            stands = self.connection(link).status != "revoked"
            assert stands or not link.connected, "a sign-in has ended a connection"
            link.connected = stands
            link.ended_at = 0 if stands else link.ended_at

    def check_link(self, link: Link) -> None:
        """No token is lost without a word."""
        connection = self.connection(link)
        if connection.status == "reauth_required":
            assert link.excuse & (MAY_BE_LOST[self.ground.profile] | {"refused", "forgotten"}), (
                "nobody has lost anything"
            )
        if (
            connection.status in ("active", "partial")
            and connection.attempt_started == 0
            and "forgotten" not in link.excuse
        ):
            token = self.stored(connection)
            takers = [one for one in self.ground.provider.grants.families if one.takes(token) and not one.revoked]
            assert takers, "the provider does not take what is stored, and nobody knows"

    def connection(self, link: Link) -> Connection:
        """The item as it stands."""
        place = connection_item_key(link.connection_id)
        found = self.stack.deployment.store.read(place).get(place)
        assert found is not None
        return found

    def stored(self, connection: Connection) -> str:
        """The refresh token in it."""
        place = user_key_item_key(connection.sub)
        item = self.stack.deployment.store.read(place).get(place)
        assert item is not None
        key = open_user_key(self.stack.broker.keys.get("vault"), item.sealed, sub=connection.sub)
        return open_value(
            key, connection.sealed_refresh_token, "refresh_token", place=encryption_context_of(connection)
        ).decode()
