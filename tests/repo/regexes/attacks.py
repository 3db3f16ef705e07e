"""Worst-case texts for a regular expression, made from its own syntax tree, and what they cost.

An attack is a beginning that the expression accepts, a piece that one of its repetitions accepts, repeated, and an end
that it does not accept. Backtracking shows in one of these: exponential, or quadratic in the number of pieces.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from itertools import chain, product
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

BUDGET = 0.050  # seconds of processor time
ALARM = 0.2  # seconds after which a match is broken off
GROWTH = 4
FIRST_LENGTH = 64
MAX_LETTERS, MAX_PIECES = 14, 60
ENDS = ("", "\0")
BASE = 'a0 "@'
REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT}


class _TooSlow(Exception):
    """The alarm rang."""


def find_attack(pattern: re.Pattern[Any], methods: set[str], *, longest: int) -> tuple[float, str] | None:
    """The first attack that costs more than the budget: seconds and its description; None where there is none.

    methods   with which the code uses the pattern
    longest   characters that an input can have
    """
    for begin, piece, end in attacks(pattern):
        for method in sorted(methods):
            cost = _grow(pattern, method, (begin, piece, end), longest)
            if cost is not None:
                return cost, f"{method} of {begin!r} + n * {piece!r} + {end!r}"
    return None


def attacks(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Beginning, piece, end."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    letters = _letters(tree, text)
    places = {"": set(letters)}
    for letter in letters:
        for begin, pieces in _places(tree, letter, letters, ""):
            places.setdefault(begin, set()).update(pieces)
    for begin, pieces in places.items():
        joined = {begin + piece for piece in pieces}  # a search begins again at each
        for piece, end in product(sorted(pieces | joined, key=lambda piece: (len(piece), piece))[:MAX_PIECES], ENDS):
            if piece:
                yield begin, piece, end


def _grow(pattern: re.Pattern[Any], method: str, attack: tuple[str, str, str], longest: int) -> float | None:
    """What it costs at the first length that is over the budget."""
    begin, piece, end = attack
    length = FIRST_LENGTH
    while True:
        length = min(length, longest)
        text = (begin + piece * (length // len(piece) + 1))[: max(0, length - len(end))] + end
        if (cost := _cost(pattern, method, text)) > BUDGET and (again := _cost(pattern, method, text)) > BUDGET:
            return min(cost, again)
        if length == longest:
            return None
        length *= GROWTH


def _cost(pattern: re.Pattern[Any], method: str, text: str) -> float:
    subject: Any = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
    call = getattr(pattern, method)
    if method in ("sub", "subn"):
        return processor_time(lambda: call(lambda found: found[0], subject))
    if method == "finditer":
        return processor_time(lambda: list(call(subject)))
    return processor_time(lambda: call(subject))


def processor_time(call: Callable[[], object]) -> float:
    """Seconds of this thread; broken off at the alarm."""
    before = signal.signal(signal.SIGVTALRM, _ring)
    begun = time.thread_time()
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, ALARM)
        call()
    except _TooSlow:
        return ALARM
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.thread_time() - begun


def _ring(_number: int, _frame: Any) -> None:
    raise _TooSlow


def _letters(tree: Any, text: str) -> list[str]:
    """Characters that the expression tells apart: those that stand in it, and one of each range."""
    named = dict.fromkeys(chain(BASE, (letter for letter in text if not letter.isalnum())))
    return list(dict.fromkeys([*BASE, *_named(tree), *named]))[:MAX_LETTERS]


def _named(tree: Any) -> Iterator[str]:
    for code, argument in tree:
        if code in (codes.LITERAL, codes.NOT_LITERAL):
            yield chr(argument)
        elif code is codes.IN:
            for kind, value in argument:
                if kind is codes.RANGE:
                    yield chr(value[0])
                elif kind is codes.LITERAL:
                    yield chr(value)
        else:
            for inner in _inner(code, argument):
                yield from _named(inner)


def _inner(code: Any, argument: Any) -> list[Any]:
    """The sub-expressions of a node."""
    if code in REPEATS:
        return [argument[2]]
    if code is codes.SUBPATTERN:
        return [argument[3]]
    if code is codes.BRANCH:
        return list(argument[1])
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [argument[1]]
    if code is codes.ATOMIC_GROUP:
        return [argument]
    return []


def _places(tree: Any, wanted: str, letters: list[str], begin: str) -> Iterator[tuple[str, set[str]]]:
    """For each repetition: a beginning that leads to it, and pieces that it repeats."""
    for code, argument in tree:
        for inner in _inner(code, argument):
            if code in REPEATS:
                once, shortest = _sample(inner, wanted, letters), _sample(inner, wanted, letters, shortest=True)
                yield begin, {once, shortest, once + shortest, wanted}
            if code not in (codes.ASSERT, codes.ASSERT_NOT):
                yield from _places(inner, wanted, letters, begin)
        begin += _sample([(code, argument)], wanted, letters)
    yield begin, {wanted}


def _sample(tree: Any, wanted: str, letters: list[str], *, shortest: bool = False) -> str:
    """A text that the expression accepts, of the wanted letter where it may be."""
    made = ""
    for code, argument in tree:
        if code is codes.LITERAL:
            made += chr(argument)
        elif code is codes.IN:
            made += _pick(re.compile(_class(argument)), wanted, letters)
        elif code is codes.NOT_LITERAL:
            made += next(letter for letter in (wanted, *letters) if ord(letter) != argument)
        elif code is codes.ANY:
            made += wanted
        elif code in REPEATS:
            least, most, inner = argument
            times = least if shortest else max(least, min(most, 1))
            made += _sample(inner, wanted, letters, shortest=shortest) * min(times, 64)
        elif code is codes.BRANCH:
            options = [_sample(one, wanted, letters, shortest=shortest) for one in argument[1]]
            made += next((one for one in options if wanted in one), options[0])
        elif code not in (codes.ASSERT, codes.ASSERT_NOT):
            made += "".join(_sample(inner, wanted, letters, shortest=shortest) for inner in _inner(code, argument))
    return made


def _pick(one: re.Pattern[str], wanted: str, letters: list[str]) -> str:
    everything = (wanted, *letters, *map(chr, range(0x20, 0x7F)), *map(chr, range(0x20)), "\u00e4", "\ud800", "\u200b")
    return next((letter for letter in everything if one.match(letter)), "")


def _class(items: list[Any]) -> str:
    """A character class, written again."""
    written = ""
    for kind, value in items:
        if kind is codes.NEGATE:
            written += "^"
        elif kind is codes.LITERAL:
            written += re.escape(chr(value))
        elif kind is codes.RANGE:
            written += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        else:
            written += CATEGORIES[value]
    return f"[{written}]"


CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d",
    codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w",
    codes.CATEGORY_NOT_WORD: r"\W",
}
