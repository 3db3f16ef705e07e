"""A clock that stands still until a test moves it."""

from tests.kit.store_scene import NOW


class StillClock:
    """Stands where it is put."""

    time = NOW

    def now(self) -> int:
        return self.time
