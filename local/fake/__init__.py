"""Providers on loopback: the demo provider's parts, and a player that behaves as any provider file says.

A request becomes a value (`web.Received`), an endpoint is a function from it to an answer (`web.Answer`), and faults
that a test or a developer has switched on change what is sent. Nothing of the broker's own protocol code
is used: what it does wrong must not look right here.
"""
