"""A provider file of a team's own, simulated, and a broker to which it is switched on."""

from tests.kit.providers.provider_scene import shop, stage

__all__ = ["shop", "stage"]
