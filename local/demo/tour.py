"""`dev.py tour`: a whole sign-in without a browser, over real HTTP, and what comes after it; each step is checked."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from cli.parser import CommandParser
from local.demo.demo import start_demo
from local.demo.tour_more_steps import call_through_broker, connect_second, take_back
from local.demo.tour_steps import StepFailed, Tour
from local.terminal import Terminal


@dataclass(frozen=True)
class Step:
    """One step: its title, what happens, and what it protects."""

    title: str
    walk: Callable[["Tour"], None]
    protects: str


STEPS = (
    Step(
        "The app is registered",
        Tour.register,
        "Codes go to registered addresses alone, compared byte for byte. The app gets no secret, so none can leak.",
    ),
    Step(
        "The user is asked whether, and with whom",
        Tour.ask,
        "Nothing happens without a person's yes. The request lies sealed in the page and opens in this browser alone; "
        "the challenge ties the code to the app that began; no other site can frame the page.",
    ),
    Step(
        "The browser is redirected to the provider",
        Tour.redirect,
        "The decision is fixed before the trip. State, nonce and a PKCE challenge of the broker's own go along, so an "
        "answer from another browser, provider or sign-in is refused. A password is typed at the provider alone.",
    ),
    Step(
        "The provider's code reaches our callback, and the app gets ours",
        Tour.call_back,
        "State must fit the sealed cookie of the same browser, and exactly one callback of any number goes on. The app "
        "never sees the provider's code; the broker's own is good once, for a minute, and names its issuer.",
    ),
    Step(
        "The broker asks the provider's token endpoint",
        Tour.request_token,
        "The secret that proves who we are stays on the server. PKCE makes a stolen code worthless. The address was "
        "checked before the connection, and a redirect would not be followed.",
    ),
    Step(
        "Its access token, through ours",
        Tour.receive_token,
        "The provider's refresh token never leaves the vault, sealed under the user's own key. The app redeems its "
        "code with the verifier that only it has, then gets the provider's short-lived token within what was allowed, "
        "on the record.",
    ),
    Step(
        "The provider's API is called",
        Tour.call_api,
        "The provider sees its own token with the scopes that the user allowed. When the user takes them back, the "
        "next hand-out is refused.",
    ),
    Step(
        "Or it is called through the broker",
        call_through_broker,
        "No token of the provider comes to the app at all. Only the host and path of the provider's file are called, "
        "and no header crosses that is not listed.",
    ),
    Step(
        "A second provider is connected",
        connect_second,
        "The link is for this user, app and sign-in alone, and opens only where this user is signed in: sent to "
        "somebody else, it yields nothing. Then a new access token carries what was allowed.",
    ),
    Step(
        "And it is taken back",
        take_back,
        "The provider is told, and the answer says what became of each token. Nothing else ends.",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """0 only where every step worked."""
    build_parser().parse_args(arguments)
    with open(os.devnull, "w") as log:
        stack = start_demo(log, free_ports=True)
        terminal = Terminal(sys.stdout)
        terminal.heading(
            "One sign-in and what comes after it, from the app's side and the user's, with secrets shortened"
        )
        terminal.table([(name, place, "") for name, place in stack.places().items() if name != "app"])
        worked = walk(Tour(stack, terminal))
        stack.broker.stop()
    return 0 if worked else 1


def build_parser() -> argparse.ArgumentParser:
    """It has no options."""
    return CommandParser(prog="dev.py tour", description=__doc__)


def walk(tour: Tour) -> bool:
    """Take each step; stop at the first that fails. True when all worked."""
    for number, step in enumerate(STEPS, start=1):
        tour.terminal.step(number, step.title)
        try:
            step.walk(tour)
        except (StepFailed, LookupError, OSError) as fault:
            tour.terminal.result(f"Step {number} failed: {fault}", good=False)
            return False
        tour.terminal.aside("protects", step.protects)
    tour.terminal.result("All ten steps worked.", good=True)
    return True


if __name__ == "__main__":
    raise SystemExit(main())
