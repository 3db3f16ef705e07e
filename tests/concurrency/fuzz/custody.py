"""Hand-outs and what ends a connection, with a table, a process and a provider that fail in between."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from msgspec.structs import replace

from tests.concurrency.fuzz.ground import Bad
from tests.concurrency.fuzz.held import Held
from tests.concurrency.fuzz.moves import disconnecting, handing_out
from tests.concurrency.fuzz.rules import AFTER, BACK, BAD, GrantRules
from tests.concurrency.fuzz.sign_ins import FAILS, SignInRules
from tests.kit.http.browser import request

TRIES_AN_HOUR = 3
AT_REFRESH = st.one_of(FAILS, FAILS, st.just({"drop_refresh_token": True}))


class CustodyRules(SignInRules):
    """What apps hold at a third party."""

    @rule(held=GrantRules.sessions, after=AFTER, back=BACK, bad=BAD, provider=AT_REFRESH)
    def hand_out(self, held: Held, after: int, back: int, bad: Bad | None, provider: dict[str, Any] | None) -> None:
        """The provider's token, refreshed there where it has to be."""
        self.wait(after)
        link, asked = held.link, self.ground.provider.count("token")
        doubtful = self.connection(link).status == "in_doubt"
        if bad or provider:
            self.excuse(link, bad, provider)
        self.play(held, handing_out(self.stack, held, back), bad, provider)
        asked = self.ground.provider.count("token") - asked
        assert asked <= 1, "one request, and two at the provider"
        if asked and doubtful:
            link.tried_in_doubt.append(self.now())
        assert sum(at > self.now() - 3600 for at in link.tried_in_doubt) <= TRIES_AN_HOUR
        self.check_link(link)

    @rule(held=GrantRules.sessions, back=BACK)
    def give_everything_back(self, held: Held, back: int) -> None:
        """All that the user allowed this app ends, whichever grant it is in."""
        token, link, now = held.access[-1 - min(back, len(held.access) - 1)], held.link, self.now()
        word, _ = disconnecting(self.stack, held, back).step(held.state, now)
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.ground.send(lambda: request(self.stack.netloc, "DELETE", "/connections", headers=headers)).answer
        assert answer is not None and (answer.status == 200) == (word == "done"), answer
        if word == "done":
            link.void_at, link.connected = now + 1, False
            link.ended_at = self.connection(link).revoked_at
            held.chain = replace(held.chain, is_over=True)
            for other in self.held:
                if other.link is link:
                    other.chain = replace(other.chain, is_void=True)
        for other in self.held:
            self.check(other, other.state)

    @rule(held=GrantRules.sessions)
    def forget(self, held: Held) -> None:
        """The user ends our access at the provider; nobody tells us."""
        token = self.stored(self.connection(held.link))
        for family in self.ground.provider.grants.families:
            if family.takes(token):
                family.revoked = True
                held.link.excuse.add("forgotten")
