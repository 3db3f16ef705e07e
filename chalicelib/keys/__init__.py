"""Rotation of signing and encryption keys. Only the schedule and the operator rotate keys, never a request."""
