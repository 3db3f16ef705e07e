"""An embedded AWS for the tests of the store."""

from tests.kit.store_scene import endpoint_url, transport

__all__ = ["endpoint_url", "transport"]
