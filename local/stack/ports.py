"""Ports on this machine: bind one, or work round a taken one and say so."""

import errno
import socket
from collections.abc import Callable
from typing import TypeVar

TRIES = 50
T = TypeVar("T")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on that very port; 0 takes a free one. Raises OSError where it is taken or is no port."""
    if not 0 <= port <= 65535:
        raise OSError(errno.EINVAL, "a port is a number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def start_near(port: int, start: Callable[[int], T]) -> T:
    """What `start(port)` gives on that port or, where it is taken, on the next free one above it; 0 takes any.

    To look first and bind later would leave room for another who does the same.
    """
    for candidate in range(port, port + TRIES) if port else ():
        try:
            return start(candidate)
        except OSError:
            continue
    return start(0)


def bind_near(host: str, port: int) -> socket.socket:
    """A listening socket on that port or the next free one above it."""
    return start_near(port, lambda candidate: bind(host, candidate))


def port_of(listener: socket.socket) -> int:
    """The port that a listening socket really has."""
    return int(listener.getsockname()[1])


def find_port(host: str) -> int:
    """The number of a port that is free now; for processes that bind it themselves."""
    with bind(host, 0) as listener:
        return port_of(listener)
