"""What is good once is used once, by whoever comes first; after its end it may be forgotten."""

from concurrent.futures import ThreadPoolExecutor

from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.process.system import SystemEntropy
from chalicelib.ports import Refused, Written
from tests.kit.store_scene import NOW, make_store


def new_mark() -> str:
    return SystemEntropy().token_bytes(32).hex()


def test_of_many_uses_at_once_exactly_one_is_the_first(transport: Transport) -> None:
    store, mark = make_store(transport), new_mark()
    with ThreadPoolExecutor(16) as pool:
        came = list(pool.map(lambda _: store.claim_once(mark, now=NOW, expires_at=NOW + 60), range(48)))
    assert sum(isinstance(one, Written) for one in came) == 1


def test_until_its_end_nobody_uses_it_again_and_then_it_is_forgotten(transport: Transport) -> None:
    store, mark = make_store(transport), new_mark()
    assert isinstance(store.claim_once(mark, now=NOW, expires_at=NOW + 60), Written)
    refused = store.claim_once(mark, now=NOW + 59, expires_at=NOW + 500)
    assert isinstance(refused, Refused) and refused.found is not None and refused.found.expires_at == NOW + 60
    assert isinstance(store.claim_once(mark, now=NOW + 60, expires_at=NOW + 120), Written)
    assert isinstance(store.claim_once(new_mark(), now=NOW, expires_at=NOW + 60), Written)
