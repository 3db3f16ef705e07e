"""Ports on this machine: bind one, or work round a taken one and say so."""

import errno
import socket

TRIES = 50


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


def bind_near(host: str, port: int) -> socket.socket:
    """A listening socket on that port or, where it is taken, on the next free one above it."""
    for candidate in range(port, port + TRIES):
        try:
            return bind(host, candidate)
        except OSError:
            continue
    return bind(host, 0)


def port_of(listener: socket.socket) -> int:
    """The port that a listening socket really has."""
    return int(listener.getsockname()[1])


def find_port(host: str, port: int) -> int:
    """The number of a port that is free now, that one or the next above it; for servers that bind themselves."""
    with bind_near(host, port) as listener:
        return port_of(listener)
