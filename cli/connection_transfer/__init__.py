"""Connections on their way into and out of a deployment."""
