"""What is fetched once and kept: how much there is room for."""

from chalicelib.adapters.http.document_cache import MAX_KEPT, CachedDocuments
from tests.kit.requirement import requirement


class Clock:
    """Stands still."""

    def now(self) -> int:
        return 1_800_000_000


@requirement("FETCH-01")
def test_the_one_used_longest_ago_makes_room() -> None:
    kept, fetched = CachedDocuments[int](Clock(), fresh_seconds=10, stale_seconds=10), []

    def get(number: int) -> int:
        return kept.get(number, lambda: fetched.append(number) or number)

    for number in range(MAX_KEPT):
        get(number)
    assert get(0) == 0 and len(fetched) == MAX_KEPT
    get(MAX_KEPT)
    assert get(0) == 0 and len(fetched) == MAX_KEPT + 1, "used a moment ago"
    assert get(1) == 1 and fetched[-1] == 1 and len(fetched) == MAX_KEPT + 2
