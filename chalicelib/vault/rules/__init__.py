"""Decisions about connections: values in, values out. Nothing here reads the clock, the store or the network."""
