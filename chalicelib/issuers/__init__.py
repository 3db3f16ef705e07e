"""Trusted issuers: tokens of others, the users that they name, and the standing grants that they begin."""
