"""`broker bootstrap` against CloudFormation, DynamoDB and KMS as others wrote them; no account."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cli.commands import bootstrap
from cli.deployment.local_environment import use_local_credentials
from cli.main import main
from tests.kit.processes import run_ministack
from tests.kit.requirement import requirement


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """An account in which there is nothing yet."""
    use_local_credentials()
    with run_ministack("cloudformation,dynamodb,kms,sts,iam") as endpoint_url:
        yield endpoint_url


@pytest.fixture
def broker(account: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`broker ... --json`: its exit code and its document."""
    monkeypatch.setenv("BROKER_ENDPOINT_URL", account)
    monkeypatch.setitem(bootstrap.WAITING, "Delay", 1)

    def type_(*words: str) -> tuple[int, Any]:
        code = main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return type_


@requirement("OPS-09")
def test_it_makes_tables_and_key_once_and_then_changes_nothing(
    account: str, broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, first = broker("bootstrap")
    assert (code, first["did"], first["table"], first["keys_table"]) == (0, "created", "broker", "broker-keys")
    cloudformation = boto3.client("cloudformation", endpoint_url=account)
    before = cloudformation.describe_stack_events(StackName=bootstrap.STACK)["StackEvents"]
    assert broker("bootstrap") == (0, first | {"did": "unchanged"})
    assert cloudformation.describe_stack_events(StackName=bootstrap.STACK)["StackEvents"] == before
    (stack,) = cloudformation.describe_stacks(StackName=bootstrap.STACK)["Stacks"]
    assert stack["EnableTerminationProtection"] is True
    monkeypatch.setenv("BROKER_ISSUER", "https://login.example.com")
    code, keys = broker("init")
    assert code == 0 and keys["created"]


@requirement("OPS-09")
def test_a_template_of_a_later_release_is_brought_in(
    broker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    broker("bootstrap")
    later = json.loads(bootstrap.TEMPLATE.read_text())
    later["Resources"]["BrokerKey"]["Properties"]["Description"] = "Wraps the keysets, as it always did"
    (tmp_path / "later.json").write_text(json.dumps(later))
    monkeypatch.setattr(bootstrap, "TEMPLATE", tmp_path / "later.json")
    assert [broker("bootstrap")[1]["did"] for _ in "12"] == ["updated", "unchanged"]


@requirement("OPS-09")
def test_what_cannot_be_made_is_called_off_and_named(
    broker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A name that is refused stands here for one that is taken, which this CloudFormation does not notice."""
    refused = json.loads(bootstrap.TEMPLATE.read_text())
    refused["Resources"]["BrokerKeyAlias"]["Properties"]["AliasName"] = "alias/aws/broker"
    (tmp_path / "refused.json").write_text(json.dumps(refused))
    monkeypatch.setattr(bootstrap, "TEMPLATE", tmp_path / "refused.json")
    code, said = broker("bootstrap", "--stack", "token-broker-other")
    assert code == 1 and "alias/aws/broker" in said["error"] and "docs/deploy.md" in said["hint"]
    code, said = broker("bootstrap", "--stack", "token-broker-other")
    assert code == 1 and "ROLLBACK_COMPLETE" in said["error"] and "delete-stack" in said["hint"]


def test_without_aws_it_says_what_to_do(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BROKER_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        code, said = broker("bootstrap")
    assert code == 1 and "cannot be reached" in said["error"] and "sign in to AWS" in said["hint"]
