"""What apps can do with what they hold: each move is one request, beside what the rules make of it."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from tests.concurrency.fuzz.chain import ACCESS_SECONDS, Chain, Word
from tests.concurrency.fuzz.held import Held, State
from tests.kit.http.browser import Answer, request
from tests.kit.http.stack import ACCESS_TOKEN, EXCHANGE, Stack
from tests.kit.http.tokens import audits, read_claims

Step = Callable[[State, int], tuple[Word, State]]


class Move(NamedTuple):
    """One request. step: what the rules make of it. asks_provider: the provider may be in its way."""

    name: str
    ask: Callable[[], Answer]
    step: Step
    take: Callable[[Answer], None] = lambda answer: None
    asks_provider: bool = False


def redeeming(held: Held) -> Move:
    """The code, with everything right."""
    return Move("redeem", held.redeem, on_chain(lambda chain, now: chain.redeem(now)), lambda got: held.take(got, 0))


def refreshing(stack: Stack, held: Held, back: int) -> Move:
    """The newest refresh token that the app has, or one of its predecessors."""
    shown = sorted(held.tokens, reverse=True)[min(back, len(held.tokens) - 1)]
    fields = {"grant_type": "refresh_token", "refresh_token": held.tokens[shown]}
    return Move(
        "refresh",
        lambda: stack.token(held.client, held.secret, **fields),
        on_chain(lambda chain, now: chain.refresh(shown, now)),
        lambda got: held.take(got, shown),
    )


def revoking(stack: Stack, held: Held, back: int) -> Move:
    """A refresh token: of whatever generation, it ends the grant."""
    token = held.tokens[sorted(held.tokens, reverse=True)[min(back, len(held.tokens) - 1)]]
    return Move(
        "revoke",
        lambda: stack.post("/revoke", held.client, held.secret, token=token),
        on_chain(lambda chain, now: chain.end()),
    )


def revoking_access(stack: Stack, held: Held, back: int) -> Move:
    """One access token, and nothing else; of one that has ended by itself nothing is noted."""
    token = _access(held, back)

    def step(state: State, now: int) -> tuple[Word, State]:
        return "done", state if _is_old(token, now) else replace(state, revoked=state.revoked | {jti_of(token)})

    return Move("revoke one", lambda: stack.post("/revoke", held.client, held.secret, token=token), step)


def using(stack: Stack, held: Held, back: int) -> Move:
    """An access token at /userinfo."""
    token = _access(held, back)
    return Move("use", lambda: stack.userinfo(token), lambda state, now: (_use(state, token, now), state))


def handing_out(stack: Stack, held: Held, back: int) -> Move:
    """An access token for the provider's."""
    token = _access(held, back)
    fields = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": "demo"}

    def step(state: State, now: int) -> tuple[Word, State]:
        return (_use(state, token, now) if state.connected else "refused"), state

    def take(got: Answer) -> None:
        given = got.json["access_token"]
        works = stack.provider.grants.whose(given) is not None
        over = "forgotten" in held.link.excuse or not held.link.connected  # the latter by who asked at the same moment
        assert works or over, "a token was handed out that the provider does not take"
        named = hashlib.sha256(given.encode()).hexdigest()
        assert any(item["token_id"]["S"] == named for item in audits(stack)), "handed out without a record"

    return Move(
        "hand out",
        lambda: stack.token(held.client, held.secret, grant_type=EXCHANGE, **fields),
        step,
        take,
        asks_provider=True,
    )


def disconnecting(stack: Stack, held: Held, back: int) -> Move:
    """DELETE of the connection; whoever asks again gets the same answer."""
    token, path = _access(held, back), f"/connections/{held.link.connection_id}"
    headers = {"Authorization": f"Bearer {token}"}

    def step(state: State, now: int) -> tuple[Word, State]:
        if _use(state, token, now) == "refused":
            return "refused", state
        return "done", replace(state, connected=False)

    return Move("disconnect", lambda: request(stack.netloc, "DELETE", path, headers=headers), step)


def on_chain(step: Callable[[Chain, int], tuple[Word, Chain]]) -> Step:
    """A move that only the grant itself decides."""

    def whole(state: State, now: int) -> tuple[Word, State]:
        word, chain = step(state.chain, now)
        return word, replace(state, chain=chain)

    return whole


def read_word(move: Move, answer: Answer | None) -> str:
    """What an answer says: a word of the rules, or "nothing", "later", or "reauth" where only the user can help."""
    if answer is None:
        return "nothing"
    if answer.status == 503:
        return "later"
    if answer.status == 200:
        return "done" if move.name in ("revoke", "revoke one", "disconnect") else "tokens"
    assert answer.status in (400, 401), (move.name, answer.status, answer.body[:300])
    return "reauth" if answer.json.get("reason") == "reauth_required" else "refused"


def _access(held: Held, back: int) -> str:
    return held.access[-1 - min(back, len(held.access) - 1)]


def jti_of(token: str) -> str:
    """By which an access token is taken back."""
    return str(read_claims(token)["jti"])


def _is_old(token: str, now: int) -> bool:
    return bool(read_claims(token)["iat"] + ACCESS_SECONDS <= now)


def _use(state: State, token: str, now: int) -> Word:
    return "refused" if _is_old(token, now) or jti_of(token) in state.revoked else state.chain.use(now)[0]
