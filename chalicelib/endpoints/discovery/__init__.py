"""Metadata, keys, the OpenAPI document, health, and the page at the issuer's URL."""
