"""Providers are data: one TOML file each, its keys the names of RFC 8414; code reads the files and knows no provider.

Rules of the room: a file is parsed once and every fault in it is reported at once; a line that could not be checked
against the provider's documentation stands under `unverified`; no secret ever stands in a file.
"""
