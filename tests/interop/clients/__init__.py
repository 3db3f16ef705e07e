"""Client libraries written by others, each through flow after flow with a running broker: the matrix."""
