"""The longest expression that the broker sends: DynamoDB and the embedded AWS refuse more than 4,096 bytes."""

import argparse

import pytest

from chalicelib.adapters.aws.transport import AwsRefusal, Transport
from chalicelib.ports import Written
from chalicelib.protocol.scope import MAX_ITEMS
from chalicelib.records.client import MOST_RESOURCES
from chalicelib.records.settings import Settings
from cli.commands.client import add_parsers
from cli.deployment.operations import Deployment, OperationError
from local.stack.dynamodb_limits import MOST_EXPRESSION_BYTES
from tests.kit.requirement import requirement
from tests.kit.store_scene import API, Story, make_store


@requirement("AWS-01")
def test_a_client_with_all_the_apis_and_scopes_that_it_may_have_refreshes(transport: Transport) -> None:
    story = Story(make_store(transport))
    scopes = frozenset(f"scope-{number}" for number in range(MAX_ITEMS))
    # One more than a client is registered with: the API behind its browser sessions joins them.
    registered = frozenset({API, *(f"https://{number}.example" for number in range(MOST_RESOURCES))})
    story.claim(scopes=scopes)
    story.issue(scopes=scopes)
    story.store.redeem_code(story.redemption())
    refreshed = story.store.advance_grant(story.advance(1, scopes=scopes, resource=API, registered=registered))
    assert isinstance(refreshed, Written)


@requirement("AWS-01")
def test_the_embedded_aws_refuses_an_expression_that_dynamodb_would_refuse(transport: Transport) -> None:
    def put(condition: str) -> None:
        transport.call("PutItem", {
            "TableName": "broker", "Item": {"pk": {"S": "SIZE#1"}, "sk": {"S": "-"}}, "ConditionExpression": condition,
        })  # fmt: skip

    shortest = "attribute_exists(pk) OR attribute_not_exists(pk)"
    put(shortest.ljust(MOST_EXPRESSION_BYTES))
    with pytest.raises(AwsRefusal) as refusal:
        put(shortest.ljust(MOST_EXPRESSION_BYTES + 1))
    assert refusal.value.code == "ValidationException"


@requirement("AWS-01")
def test_no_client_is_registered_for_more_apis_than_one_refresh_can_name() -> None:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers(), argparse.ArgumentParser(add_help=False))
    more = [word for number in range(MOST_RESOURCES + 1) for word in ("--resource", f"https://{number}.example")]
    options = parser.parse_args(["client", "create", "--name", "App", "--for-itself", "--auth-method",
                                 "client_secret_basic", *more])  # fmt: skip
    with pytest.raises(OperationError, match="200 APIs at most"):
        options.act(Deployment(Settings(issuer="https://broker.example")), options)
