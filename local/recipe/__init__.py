"""Serves the recipes of `clients/recipes/` with a broker, to try them on this machine."""
