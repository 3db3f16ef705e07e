"""Connections of a client's users: list, revoke, and connect more by a link."""
