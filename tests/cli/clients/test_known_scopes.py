"""Scopes and providers that are misspelt are found where they are typed."""

import pytest

from tests.kit.cli.operator import Operator
from tests.kit.requirement import requirement

CREATE = ("client", "create", "--name", "App", "--redirect-uri", "https://app.example/cb")
API = "https://orders.example"


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")
    broker.made("resource", "create", "--audience", API, "--scope", "orders:read")


@requirement("RUN-04")
@pytest.mark.parametrize(
    ("scope", "meant"),
    [
        ("githb:repo", "did you mean github:repo?"),
        ("github:rpeo", "did you mean github:repo?"),
        ("opneid", "did you mean openid?"),
        ("orders:raed", "did you mean orders:read?"),
        ("xyzzy", "broker resource list"),
    ],
)
def test_a_scope_that_nothing_lists_is_refused_with_the_nearest_that_exists(
    broker: Operator, scope: str, meant: str
) -> None:
    broker(*CREATE, "--scope", f"openid {scope}").refused(f"has the scope {scope}", meant)


@requirement("RUN-04")
def test_a_scope_that_only_a_providers_file_leaves_out_can_be_forced(broker: Operator) -> None:
    new = "github:invented_last_week"
    broker(*CREATE, "--scope", new).refused("--force")
    assert broker.made(*CREATE, "--scope", new, "--force")["scope"] == new
    broker(*CREATE, "--scope", "githb:repo", "--force").refused("did you mean github:repo?")


@requirement("RUN-04")
def test_every_command_that_takes_scopes_checks_them(broker: Operator) -> None:
    made = broker.made(*CREATE, "--scope", "openid github:invented", "--force")["client_id"]
    broker("client", "update", made, "--add-scope", "github:rpeo").refused("github:repo")
    assert broker.made("client", "update", made, "--add-scope", "github:repo orders:read")
    token = ("registration-token", "create")
    broker(*token, "--scope", "openid github:rpeo").refused("github:repo")
    broker(*token, "--provider", "githb").refused("did you mean github?")
    broker(*CREATE, "--provider", "githb").refused("no such provider file: githb", "did you mean github?")


@requirement("RUN-04")
def test_scopes_that_bring_no_token_come_with_a_warning(broker: Operator) -> None:
    create = (*CREATE, "--scope", "openid github:repo")
    no_token, not_on = broker.made(*create)["warnings"]
    assert "github:repo" in no_token and "--handout token" in no_token
    assert "broker provider set github" in not_on
    (not_allowed,) = broker.made(*create, "--handout", "proxy", "--provider", "google")["warnings"]
    assert "--provider github" in not_allowed
    assert "warnings" not in broker.made(*CREATE, "--scope", "openid orders:read")
