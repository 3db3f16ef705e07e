"""The network around a function under test, outside of the package: one public name and where it leads.

The package has no switch that lets it reach loopback, and must not have one. So its name resolution and its connections
are played here, below it: it resolves a public name to a public address, connects to port 443 and speaks TLS, as it
does when deployed; only the last hop ends on this machine. Python imports this file by its name at start.
"""

import os
import socket

NAME, ADDRESS = os.environ.get("PLAYED_NAME", ""), "93.184.215.14"
PORT = int(os.environ.get("PLAYED_PORT", "0"))

resolve, connect = socket.getaddrinfo, socket.socket.connect


def played_getaddrinfo(host, port, *rest, **more):
    """The played name leads to the public address; everything else to what it really is."""
    return resolve(ADDRESS if host == NAME else host, port, *rest, **more)


def played_connect(self, address):
    """The public address's port 443 is a port of this machine."""
    return connect(self, ("127.0.0.1", PORT) if address == (ADDRESS, 443) else address)


if PORT:
    socket.getaddrinfo = played_getaddrinfo
    socket.socket.connect = played_connect
