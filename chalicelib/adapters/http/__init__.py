"""Outgoing HTTP to providers and clients, guarded against requests to private addresses."""
