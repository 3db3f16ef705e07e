"""broker client update replaces optional scopes, APIs, audiences and response modes, by the rules of create."""

from typing import Any

import pytest

from cli.deployment.operations import OperationError, find_client, update_client
from tests.kit.cli.operator import Operator, deployed
from tests.kit.faults import Fault, ProcessDied
from tests.kit.requirement import requirement

API, OTHER = "https://api.example", "https://other.example"


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")
    for audience in (API, OTHER):
        broker.made("resource", "create", "--audience", audience)


@pytest.fixture
def client(broker: Operator) -> dict[str, Any]:
    created: dict[str, Any] = broker.made(
        *("client", "create", "--name", "App", "--redirect-uri", "https://app.example/cb", "--handout", "token"),
        *("--auth-method", "client_secret_basic", "--scope", "openid profile email", "--optional-scope", "email"),
        *("--resource", API, "--serves", API),
    )
    return created


@requirement("OPS-36")
@pytest.mark.parametrize(
    ("words", "field", "value", "asked_again"),
    [
        (("--optional-scope", "email profile"), "optional_scopes", "email profile", False),
        (("--optional-scope", ""), "optional_scopes", "", True),
        (("--resource", API, "--resource", OTHER), "resources", [API, OTHER], True),
        (("--resource", ""), "resources", [], False),
        (("--serves", OTHER), "serves", [OTHER], False),
        (("--serves", ""), "serves", [], False),
        (("--response-mode", "query"), "response_modes", ["query"], False),
    ],
)
def test_an_option_replaces_what_the_client_has(
    broker: Operator, client: dict[str, Any], words: tuple[str, ...], field: str, value: Any, asked_again: bool
) -> None:
    changed = broker.made("client", "update", client["client_id"], *words)
    rest = {name: value for name, value in changed.items() if name not in (field, "revision")}
    assert changed[field] == value and rest.items() <= client.items()
    assert changed["revision"] == client["revision"] + asked_again


@requirement("OPS-36")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--optional-scope", "openid github:repo"), "what --scope does not"),
        (("--optional-scope", "a\\b"), "--optional-scope is invalid"),
        (("--resource", "https://nobody.example"), "there is no resource"),
        (("--serves", "https://nobody.example"), "there is no resource"),
        (("--resource", API), "nothing to change"),
    ],
)
def test_a_value_that_create_refuses_is_refused(
    broker: Operator, client: dict[str, Any], words: tuple[str, ...], said: str
) -> None:
    broker("client", "update", client["client_id"], *words).refused(said)


@requirement("OPS-36")
def test_a_public_client_introspects_nothing_and_no_exchange_is_left_without_a_use(broker: Operator) -> None:
    public = broker.made("client", "create", "--name", "App", "--redirect-uri", "https://app.example/cb")
    broker("client", "update", public["client_id"], "--serves", API).refused("introspect")
    tools = broker.made(
        *("client", "create", "--name", "Tools", "--auth-method", "client_secret_basic", "--acts", "--resource", API)
    )
    broker("client", "update", tools["client_id"], "--resource", "").refused("could get neither")


@requirement("OPS-36")
def test_an_update_that_counts_on_all_fields_is_refused_after_any_other_change(
    broker: Operator, client: dict[str, Any]
) -> None:
    here = deployed(broker)
    read = find_client(here, client["client_id"])
    broker.made("client", "update", client["client_id"], "--name", "Another")
    with pytest.raises(OperationError, match="changed by another process"):
        update_client(here, read, alone=True, purpose="Files invoices")
    assert update_client(here, read, purpose="Files invoices").client_name == "Another"
    broker.made("client", "secret", "rotate", client["client_id"])
    read = find_client(here, client["client_id"])
    broker.made("client", "disable", client["client_id"])
    assert update_client(here, read, alone=True, purpose="").marks.disabled, "a kill switch is no change of a field"


@requirement("OPS-37")
@pytest.mark.parametrize("mode", ["K", "C"])
@pytest.mark.parametrize("write", ["UpdateItem", "DeleteItem"])
def test_a_deletion_that_was_killed_is_finished_by_the_next(
    broker: Operator, client: dict[str, Any], mode: Any, write: str
) -> None:
    from cli.command_audit import run_on_record
    from cli.main import build_parser

    typed = build_parser().parse_args(["client", "delete", client["client_id"]])
    with pytest.raises(ProcessDied):
        run_on_record(deployed(broker, Fault(mode=mode, operation=write)), typed)
    if (write, mode) == ("DeleteItem", "C"):
        broker("client", "delete", client["client_id"]).refused("no such client")
        return
    left = find_client(deployed(broker), client["client_id"])
    assert left.marks.disabled == ((write, mode) != ("UpdateItem", "K"))
    assert broker.made("client", "delete", client["client_id"])["deleted"] is True
