"""Resident memory of the package in one execution environment, after many sign-ins of many users.

Each sign-in is a whole one: its pages, the provider over TLS, the code, one refresh. The store is another process.
"""

from collections.abc import Callable
from pathlib import Path

from local.package.package import build_package
from tests.deploy.package.function import LambdaFunction
from tests.deploy.package.world import NETWORK, World

BUSY = "503"


def measure(counts: list[int], folder: Path, say: Callable[[str], None]) -> dict[int, int]:
    """Resident bytes at the start (0) and after so many sign-ins, each by another user."""
    world = World(folder, played=True, users=max(counts))
    package = build_package(folder / "broker.zip", arch="host")
    found, refused = {}, 0
    try:
        with LambdaFunction(package, folder, environ=world.environ, path=(NETWORK,)) as function:
            door = world.door(function)
            found[0] = function.resident_bytes()
            for number in range(max(counts)):
                sign_in = world.sign_in(door, f"user-{number}")
                try:
                    sign_in.refresh(sign_in.run()["refresh_token"])
                except AssertionError as error:
                    # On a busy machine the stand-ins may be slower than the broker waits; the run is good without it.
                    refused += 1
                    if BUSY not in str(error) or refused * 20 > max(counts):
                        raise
                if number + 1 in counts:
                    found[number + 1] = function.resident_bytes()
                    say(f"  {number + 1:,} sign-ins: {found[number + 1] / 1e6:.1f} MB ({refused} refused with 503)")
    finally:
        world.stop()
    return found
