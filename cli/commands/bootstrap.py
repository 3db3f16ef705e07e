"""`broker bootstrap`: creates the two tables and the key as a separate stack, for a first try with `chalice deploy`.

CloudFormation does the work, so you can run the command repeatedly and interrupt it at any point. A missing stack is
created, one that differs from `infra/bootstrap.json` is updated, and any other is left unchanged.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Literal

from chalicelib.config import PREFIX
from cli.deployment.aws import terminal_session
from cli.deployment.operations import OperationError
from cli.output import show
from cli.progress import Progress

TEMPLATE = Path(__file__).resolve().parents[2] / "infra" / "bootstrap.json"
STACK = "token-broker-base"
WAITING = {"Delay": 3, "MaxAttempts": 300}
Did = Literal["created", "updated", "unchanged"]


def add_parser(groups: Any, common: argparse.ArgumentParser) -> None:
    """The arguments of `broker bootstrap`."""
    parser = groups.add_parser(
        "bootstrap", parents=[common], help="create the tables and the KMS key in your AWS account"
    )
    parser.add_argument(
        "--stack", default=STACK, metavar="NAME", help=f"name of the CloudFormation stack (default: {STACK})"
    )
    parser.set_defaults(alone=run)


def run(options: argparse.Namespace) -> int:
    """Create or update the stack and print the result; returns 0. Raises OperationError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        with Progress(f"waiting for the stack {options.stack}"):
            made = bootstrap(_client(), options.stack)
    except ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        raise OperationError(
            f"AWS refused the request ({code}: {message})", "use credentials that may create stacks"
        ) from None
    except BotoCoreError as error:
        raise OperationError(f"AWS cannot be reached: {error}", "sign in to AWS and set AWS_REGION") from None
    show(made, as_json=options.json)
    return 0


def bootstrap(cloudformation: Any, name: str) -> dict[str, str]:
    """Create or update the stack `name` from the template, wait for it, and return the result.

    cloudformation   botocore's client

    Raises OperationError with CloudFormation's reason if the stack cannot be created.
    """
    stack = _find(cloudformation, name)
    if stack is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
        stack = _wait(cloudformation, name, stack["StackStatus"].partition("_")[0].lower())
    body = json.dumps(json.loads(TEMPLATE.read_text(encoding="utf-8")))
    if stack is None:
        cloudformation.create_stack(StackName=name, TemplateBody=body, EnableTerminationProtection=True)
        did: Did = "created"
    else:
        did = "updated" if _update(cloudformation, name, body) else "unchanged"
    if did != "unchanged":
        stack = _wait(cloudformation, name, did.removesuffix("d"))
    said = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]} if stack else {}
    return {
        "stack": name,
        "did": did,
        "table": said["TableName"],
        "keys_table": said["KeysTableName"],
        "key": said["KeyArn"],
    }


def _client() -> Any:
    return terminal_session().create_client("cloudformation", endpoint_url=os.environ.get(f"{PREFIX}ENDPOINT_URL"))


def _find(cloudformation: Any, name: str) -> Any:
    """The present stack; None if it does not exist."""
    from botocore.exceptions import ClientError

    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
        return None


def _update(cloudformation: Any, name: str, body: str) -> bool:
    """False if the stack already matches the template."""
    from botocore.exceptions import ClientError

    try:
        cloudformation.update_stack(StackName=name, TemplateBody=body)
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        if "No updates are to be performed" in message:
            return False
        if "state and can" in message:  # "is in ROLLBACK_COMPLETE state and can not be updated"
            hint = f"aws cloudformation delete-stack --stack-name {name}, after --no-enable-termination-protection"
            raise OperationError(message, hint) from None
        raise
    return True


def _wait(cloudformation: Any, name: str, doing: str) -> Any:
    """The finished stack. Raises OperationError with the first reason that CloudFormation gave for the failure."""
    from botocore.exceptions import WaiterError

    try:
        cloudformation.get_waiter(f"stack_{doing}_complete").wait(StackName=name, WaiterConfig=WAITING)
    except WaiterError:
        raise OperationError(f"the stack {name} was not created: {_reason(cloudformation, name)}", HINT) from None
    return _find(cloudformation, name)


HINT = "delete existing tables that belong to no stack, or give this deployment its own names: docs/deploy.md"


def _reason(cloudformation: Any, name: str) -> str:
    """The reason of the first failed resource; later resources were cancelled because of it."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return (
        str(failed[-1].get("ResourceStatusReason", ""))
        if failed
        else "it did not finish in time; run the command again"
    )
