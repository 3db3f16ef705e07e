"""The picture as a Mermaid sequence diagram, for a page of documentation or an issue."""

import re

from local.live.brief import answer_in_words, reason_of
from local.live.exchange import LANES, Exchange
from local.live.masks import mask_text
from local.live.words import find_title

_NAMES = {"browser": "Browser", "app": "App", "broker": "Broker", "provider": "Provider"}
_UNSAFE = re.compile(r"[;#<>{}\r\n]")


def show_mermaid(exchanges: list[Exchange]) -> str:
    """Requests and answers in the order in which they were made."""
    lines = ["sequenceDiagram", *(f"  participant {lane} as {_NAMES[lane]}" for lane in LANES)]
    drawn: list[tuple[int, str]] = []
    for one in exchanges:
        asked = f"  {one.caller}->>{one.callee}: {_plain(f'{one.method} {mask_text(one.path)}, {find_title(one)}')}"
        drawn.append((one.asked, asked))
        if not one.answered:
            continue
        head = "--x" if one.state == "failed" else "-->>"
        answered = f"  {one.callee}{head}{one.caller}: {_plain(answer_in_words(one))}"
        if reason := reason_of(one):
            answered += f"\n  Note over {one.callee}: {_plain(reason)}"
        drawn.append((one.answered, answered))
    return "\n".join([*lines, *(line for _, line in sorted(drawn))]) + "\n"


def _plain(text: str) -> str:
    """Without what Mermaid would read as its own."""
    return _UNSAFE.sub(" ", text).strip()
