"""Fifty callers of one expired connection, spread over two broker processes: one request at the provider (F15)."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.concurrency.races.vault import Vault, open_vault
from tests.kit.processes import STORES
from tests.kit.requirement import requirement

CALLERS = 50


@pytest.fixture(scope="module", params=STORES)
def vault(request: pytest.FixtureRequest) -> Iterator[Vault]:
    """A store process, a provider, two broker processes and fifty callers."""
    with pytest.MonkeyPatch.context() as patch, STORES[request.param]() as endpoint_url:
        patch.setattr(os, "environ", dict(os.environ))
        with open_vault(endpoint_url, callers=CALLERS) as made:
            yield made


@requirement("F15", "VLT-07")
@pytest.mark.timeout(1200)
def test_fifty_callers_of_an_expired_connection_cause_one_refresh_and_all_get_the_new_token(
    vault: Vault, rounds: int
) -> None:
    rounds, refreshes = max(1, rounds // 2), Counter[int]()
    token = vault.access_token()
    for number in range(rounds):
        if number % 50 == 49:
            token = vault.access_token()
        vault.expire()
        before, generation = vault.provider.count("token"), vault.connection.token_generation
        answers = vault.ask(token)
        assert Counter(status for status, _ in answers) == {200: CALLERS}, [
            body for code, body in answers if code != 200
        ][:3]
        assert len({body["access_token"] for _, body in answers}) == 1
        assert vault.provider.grants.whose(answers[0][1]["access_token"]) is not None
        refreshes[vault.provider.count("token") - before] += 1
        assert vault.connection.token_generation == generation + 1
    assert refreshes == {1: rounds}
