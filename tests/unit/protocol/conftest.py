"""Properties are tried without a time limit for each example: a busy machine is no fault of the rule."""

from hypothesis import settings

settings.register_profile("protocol", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("protocol")
