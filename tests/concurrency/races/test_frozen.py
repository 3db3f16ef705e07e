"""A broker process that is frozen (SIGSTOP) while it holds the lease, the provider's answer on its way, and wakes after
the lease has ended (F17): what it brings is refused where somebody has refreshed meanwhile, and heals where nobody has.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.concurrency.races.vault import Vault, open_vault
from tests.kit.connection_scene import PROFILES, write_profile
from tests.kit.processes import Process, run_moto
from tests.kit.requirement import requirement

Answer = tuple[int, dict[str, Any]]


@pytest.fixture(params=["static", "ask"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    """One connection, two brokers; the provider keeps one refresh token for ever, or ends all when one is reused."""
    profile = PROFILES[request.param]
    write_profile(tmp_path, profile)
    with pytest.MonkeyPatch.context() as patch, run_moto() as endpoint_url:
        patch.setattr(os, "environ", dict(os.environ))
        with open_vault(endpoint_url, callers=1, provider_dir=tmp_path) as made:
            for name, value in profile.does.items():
                setattr(made.provider.faults, name, value)
            yield made


def freeze_at_the_provider(vault: Vault, holder: Process) -> threading.Event:
    """Once, when the provider has carried a refresh out and its answer is not sent yet."""
    grants, frozen = vault.provider.grants, threading.Event()
    carry_out = grants.refresh

    def refresh(*arguments: Any, **more: Any) -> Any:
        family = carry_out(*arguments, **more)
        if not frozen.is_set():
            holder.freeze()
            frozen.set()
        return family

    grants.refresh = refresh  # type: ignore[method-assign]
    return frozen


def ask_and_freeze(vault: Vault, token: str, pool: ThreadPoolExecutor) -> Future[Answer]:
    """The first broker has the lease and stands still; fifteen seconds pass."""
    holder = vault.brokers[0]
    frozen = freeze_at_the_provider(vault, holder)
    asked = pool.submit(vault.ask_one, holder, token)
    assert frozen.wait(30)
    assert vault.connection.attempt_started > 0 and not asked.done()
    vault.end_lease()
    return asked


def works(vault: Vault, answer: Answer) -> bool:
    status, body = answer
    return status == 200 and vault.provider.grants.whose(body["access_token"]) is not None


@requirement("F17", "VLT-07")
@pytest.mark.parametrize("meanwhile", ["nobody asks", "somebody asks"])
def test_a_process_frozen_past_its_lease_heals_or_is_refused_and_never_overwrites(
    vault: Vault, meanwhile: str, request: pytest.FixtureRequest
) -> None:
    token, other = vault.access_token(), vault.brokers[1]
    vault.expire()
    before, refreshed = vault.connection.token_generation, False
    with ThreadPoolExecutor(1) as pool:
        asked = ask_and_freeze(vault, token, pool)
        try:
            if meanwhile == "somebody asks":
                status, body = second = vault.ask_one(other, token)
                refreshed = works(vault, second)
                rotates = "ask" in request.node.callspec.params["vault"]
                assert refreshed != rotates and (refreshed or (status, body["reason"]) == (400, "reauth_required"))
            stands = vault.connection
        finally:
            vault.brokers[0].thaw()
        woken = asked.result(60)
    assert works(vault, woken), woken
    now = vault.connection
    assert (now.status, now.token_generation, now.attempt_started) == ("active", before + 1, 0)
    if refreshed:
        assert now.sealed_access_token == stands.sealed_access_token, "the newer token stands"
        assert woken[1]["access_token"] == body["access_token"], "and is what the one who woke hands out"
    else:
        assert stands.token_generation == before, "it healed what nobody else could"
    assert works(vault, vault.ask_one(other, token))
