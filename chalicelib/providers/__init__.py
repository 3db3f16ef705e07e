"""Providers are data: one TOML file each, its keys the names of RFC 8414; code reads the files and knows no provider.

A file is parsed once, and all of its faults are reported together. A line that could not be checked against the
provider's documentation is listed under `unverified`. A file never contains a secret.
"""
