"""What an operator has named is not given up to what comes later: one tenant, and values of a connection."""

from collections.abc import Callable

import pytest

from chalicelib.providers.catalog import Catalog, load_catalog
from chalicelib.providers.definition import InvalidDefinition, ProviderDefinition
from chalicelib.records.provider import ProviderRecord
from tests.kit.provider_files import CENTERS, TENANTS, changed, read
from tests.kit.providers.provider_scene import Scene
from tests.kit.requirement import requirement

Stage = Callable[..., Scene]
# Whoever signs in at the played provider is of this directory.
THEIRS = "00000000-0000-0000-0000-000000000000"
ANOTHER = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"


@pytest.fixture
def sign_in_at(stage: Stage) -> Callable[[str], int]:
    """The status of the way back of somebody of THEIRS, where the operator has named a directory."""
    microsoft = load_catalog().get("microsoft")
    assert microsoft is not None

    def come_back(tenant: str) -> int:
        return stage(microsoft, {"tenant": tenant}).come_back().status

    return come_back


@requirement("CB-08")
@pytest.mark.parametrize("tenant", [THEIRS, "common", "team.example"])
def test_who_is_of_the_directory_that_is_meant_signs_in(sign_in_at: Callable[[str], int], tenant: str) -> None:
    assert sign_in_at(tenant) == 303


@requirement("CB-08")
def test_somebody_of_another_directory_does_not(sign_in_at: Callable[[str], int]) -> None:
    assert sign_in_at(ANOTHER) == 502


@requirement("FETCH-01")
def test_what_a_connection_says_takes_no_variables_place() -> None:
    """A file of yesterday may have had as metadata what is the operator's today."""
    catalog = Catalog([read(TENANTS)])
    record = ProviderRecord(provider_id="team", client_id="c", variables={"tenant": "acme", "region": "eu"})
    filled = catalog.fill(record, {"tenant": "evil", "region": "us"})
    assert filled is not None and filled.token_endpoint == "https://eu.team.example/acme/token"


@requirement("TOK-06")
def test_for_whom_we_sign_hangs_on_the_callback_only_where_the_code_is_redeemed() -> None:
    method = ('"client_secret_post"\nunverified = [', '"client_assertion"\nunverified = ["client_assertion", ')

    def read_signing(audience: str) -> ProviderDefinition:
        section = f'[client_assertion]\nalgorithm = "ES256"\naudience = "{audience}"\n\n[scopes]'
        return read(changed(CENTERS, method, ("[scopes]", section)))

    assert read_signing("{accounts}/token").client_assertion
    for audience in ("https://login.team.example/{company}", "https://{center}.team.example"):
        with pytest.raises(InvalidDefinition, match=r"client_assertion\.audience: \{[a-z]+\} is not filled in here"):
            read_signing(audience)
