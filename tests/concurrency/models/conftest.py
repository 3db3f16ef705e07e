"""An embedded AWS for the walks of the model through the real store."""

from tests.kit.store_scene import endpoint_url, transport

__all__ = ["endpoint_url", "transport"]
