"""A refusal that has to come, outside of pytest: `dev.py matrix` runs the flows too."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def expect_error(kind: type[Exception], says: str) -> Iterator[None]:
    """Fails unless the block raises such an error with these words."""
    try:
        yield
    except kind as error:
        assert says in str(error) or says in type(error).__name__, repr(error)
    else:
        raise AssertionError(f"no {kind.__name__} ({says})")
