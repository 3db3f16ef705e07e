"""Endpoints that take tokens: token, revocation, introspection, userinfo."""
