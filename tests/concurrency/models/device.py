"""Explicit-state model of a grant that a device waits for: two browsers with one code, and the device that polls.

One store call is one atomic step, and a browser's steps interleave with everyone else's. A browser allows or cancels
what it was shown, claims on its way back, and is given enough or less; less opens the request again, for one page more.
It may come back twice with one state, and its process may die behind the claim.

Left out: the clock but for the end of the user code, lost answers (each verb is tried for them), polls that come too
early.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple


class Rules(NamedTuple):
    """The product's; every other value is a mistake to be caught."""

    status_is_checked: bool = True
    round_is_checked: bool = True
    only_the_holder_is_told: bool = True
    replay_ends_the_grant: bool = True


class Item(NamedTuple):
    """holder: the state of the browser that claimed or issued."""

    status: str = "device_pending"
    round: int = 1
    holder: str = ""
    generation: int = 0


class Browser(NamedTuple):
    """at: shown, decided (at the provider), asking (claimed), less (a page about less), done, over, denied, gone."""

    name: str
    at: str = "shown"
    round: int = 1
    attempt: int = 0
    back: tuple[str, int] | None = None  # a state that was used, and its round: it may come back once more

    @property
    def state(self) -> str:
        """What it holds for its present attempt."""
        return f"{self.name}{self.attempt}"


class World(NamedTuple):
    """The fields below the blank line are only watched."""

    browsers: tuple[Browser, ...] = (Browser("a"), Browser("b"))
    item: Item = Item()
    is_late: bool = False
    less_left: int = 2

    asked: frozenset[str] = frozenset()  # states with which the provider was asked
    issued_by: str = ""
    denied: bool = False
    answers: int = 0
    tells_done: frozenset[str] = frozenset()


class Step(NamedTuple):
    """who and state: of the browser; round: that it was shown. outcome: written or refused, "" without a store call."""

    verb: str
    outcome: str = ""
    state: str = ""
    round: int = 0


Move = tuple[Step, World, str | None]


def moves(world: World, rules: Rules) -> Iterator[Move]:
    """Everything that can happen next."""
    for number, browser in enumerate(world.browsers):
        for step, after, changed, fault in _browse(world, browser, rules):
            browsers = (*world.browsers[:number], changed, *world.browsers[number + 1 :])
            yield step, after._replace(browsers=browsers), fault
    yield from _poll(world, rules)
    if not world.is_late:
        yield Step("ends"), world._replace(is_late=True), None


def _poll(world: World, rules: Rules) -> Iterator[Move]:
    item = world.item
    if item.status == "issued" and item.generation == 0:
        answered = world._replace(item=item._replace(status="active", generation=1), answers=world.answers + 1)
        fault = "tokens after a no" if world.denied else "tokens for nobody" if not world.issued_by else None
        yield Step("polls", "written"), answered, fault
    elif item.status == "active":
        ended = item._replace(status="revoked") if rules.replay_ends_the_grant else item
        fault = None if rules.replay_ends_the_grant else "a device code redeemed twice, and the grant lives"
        yield Step("polls", "replayed"), world._replace(item=ended), fault


def _is_open(world: World, shown: int, rules: Rules) -> bool:
    pending = world.item.status == "device_pending" or not rules.status_is_checked
    return pending and (world.item.round == shown or not rules.round_is_checked) and not world.is_late


def _holds(world: World, state: str, shown: int) -> bool:
    return world.item == Item("exchanging", shown, state)


def _browse(world: World, browser: Browser, rules: Rules) -> Iterator[tuple[Step, World, Browser, str | None]]:
    own = (browser.state, browser.round)
    if browser.at in ("shown", "less"):
        decided = browser._replace(at="decided", attempt=browser.attempt + 1)
        yield Step("allows"), world, decided, None
        yield _deny(world, browser, rules)
    if browser.at == "less":
        yield _issue(world, browser._replace(attempt=browser.attempt + 1), rules, claimed=False)
    if browser.at == "decided":
        yield _claim(world, browser, own, rules)
    if browser.at == "asking":
        yield _issue(world, browser, rules, claimed=True)
        yield Step("dies"), world, browser._replace(at="gone"), None
        if world.less_left:
            yield _reopen(world, browser)
    if browser.back is not None and browser.at != "asking":
        yield _claim(world, browser._replace(back=None), browser.back, rules, again=True)


def _deny(world: World, browser: Browser, rules: Rules) -> tuple[Step, World, Browser, str | None]:
    step = Step("cancels", "refused", browser.state, browser.round)
    if not _is_open(world, browser.round, rules):
        return step, world, browser._replace(at="over"), None
    after = world._replace(item=world.item._replace(status="device_denied"), denied=True)
    return step._replace(outcome="written"), after, browser._replace(at="denied"), None


def _claim(
    world: World, browser: Browser, held: tuple[str, int], rules: Rules, *, again: bool = False
) -> tuple[Step, World, Browser, str | None]:
    state, shown = held
    step = Step("claims", "refused", state, shown)
    if _is_open(world, shown, rules):
        fault = "the provider is asked twice with one state" if state in world.asked else None
        item = world.item._replace(status="exchanging", holder=state)
        after = world._replace(item=item, asked=world.asked | {state})
        return step._replace(outcome="written"), after, browser._replace(at="asking", back=None), fault
    mine = world.item.holder == state or not rules.only_the_holder_is_told
    told = mine and world.item.status in ("issued", "active")
    after = world._replace(tells_done=world.tells_done | {state}) if told else world
    if again:
        return step, after, browser, None
    return step, after, browser._replace(at="done" if told else "over"), None


def _issue(world: World, browser: Browser, rules: Rules, *, claimed: bool) -> tuple[Step, World, Browser, str | None]:
    verb = "issues" if claimed else "issues at once"
    step = Step(verb, "refused", browser.state, browser.round)
    may = _holds(world, browser.state, browser.round) if claimed else _is_open(world, browser.round, rules)
    if not may:
        return step, world, browser._replace(at="over"), None
    fault = "two browsers signed it in" if world.issued_by else "signed in after a no" if world.denied else None
    if claimed and world.item.holder != browser.state:
        fault = "issued by a browser that did not claim it"
    item = world.item._replace(status="issued", holder=browser.state)
    told = world.tells_done | {browser.state}
    after = world._replace(item=item, issued_by=browser.state, tells_done=told)
    done = browser._replace(at="done", back=(browser.state, browser.round) if claimed else None)
    return step._replace(outcome="written"), after, done, fault


def _reopen(world: World, browser: Browser) -> tuple[Step, World, Browser, str | None]:
    step = Step("reopens", "refused", browser.state, browser.round)
    after = world._replace(less_left=world.less_left - 1)
    less = browser._replace(at="less", round=browser.round + 1, back=(browser.state, browser.round))
    if not _holds(world, browser.state, browser.round):
        return step, after, less, None
    item = world.item._replace(status="device_pending", round=world.item.round + 1, holder="")
    return step._replace(outcome="written"), after._replace(item=item), less, None


def find_faults(rules: Rules) -> tuple[int, set[str], set[tuple[str, str]]]:
    """Worlds seen, faults, and (verb, outcome) pairs reached. Whoever reads "done" must be who signed the device in."""
    seen, queue = {World()}, deque([World()])
    faults: set[str] = set()
    reached: set[tuple[str, str]] = set()
    while queue:
        for step, after, fault in moves(queue.popleft(), rules):
            reached.add((step.verb, step.outcome))
            if fault is None and after.answers > 1:
                fault = "two answers for one device code"
            if fault is None and after.tells_done - {after.issued_by}:
                fault = "a browser reads that it is done, and another signed the device in"
            if fault is not None:
                faults.add(fault)
            elif after not in seen:
                seen.add(after)
                queue.append(after)
    return len(seen), faults, reached


def shortest_walks(rules: Rules) -> Iterator[list[tuple[Step, World]]]:
    """The shortest walk to each kind of step (verb and outcome)."""
    walks: dict[World, list[tuple[Step, World]]] = {World(): []}
    queue, kinds = deque(walks), set[tuple[str, str]]()
    while queue:
        world = queue.popleft()
        for step, after, _ in moves(world, rules):
            walk = [*walks[world], (step, after)]
            if after not in walks:
                walks[after] = walk
                queue.append(after)
            if (step.verb, step.outcome) not in kinds:
                kinds.add((step.verb, step.outcome))
                yield walk
