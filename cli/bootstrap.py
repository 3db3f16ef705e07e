"""`broker bootstrap`: the two tables and the key as a stack of their own, for a first try with `chalice deploy`.

What it does is CloudFormation's to decide, so that it may be run as often as one likes and ended wherever it stands:
the stack is made where it is missing, brought up to `infra/bootstrap.json` where it differs, and left alone where not.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Literal

from chalicelib.config import PREFIX
from cli.aws import terminal_session
from cli.operations import OperationError
from cli.showing import show

TEMPLATE = Path(__file__).resolve().parents[1] / "infra" / "bootstrap.json"
STACK = "token-broker-base"
WAITING = {"Delay": 3, "MaxAttempts": 300}
Did = Literal["created", "updated", "unchanged"]


def add_parser(groups: Any, common: argparse.ArgumentParser) -> None:
    """The words of `broker bootstrap`."""
    parser = groups.add_parser("bootstrap", parents=[common], help="make the tables and the key in your AWS account")
    parser.add_argument("--stack", default=STACK, metavar="NAME", help=f"the stack's name ({STACK})")
    parser.set_defaults(alone=run)


def run(options: argparse.Namespace) -> int:
    """Do it and say what was done; 0. Raises OperationError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        show(bootstrap(_client(), options.stack), as_json=options.json)
    except ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        raise OperationError(f"AWS did not do it ({code}: {message})", "use credentials that may make stacks") from None
    except BotoCoreError as error:
        raise OperationError(f"AWS cannot be asked: {error}", "sign in to AWS and set AWS_REGION") from None
    return 0


def bootstrap(cloudformation: Any, name: str) -> dict[str, str]:
    """Make the stack `name` as the template says, wait until it stands, and say what became of it.

    cloudformation   botocore's client

    Raises OperationError: it cannot be made as it is, with CloudFormation's own reason.
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
    """The stack as it stands; None where there is none."""
    from botocore.exceptions import ClientError

    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
        return None


def _update(cloudformation: Any, name: str, body: str) -> bool:
    """False where the stack is as the template says."""
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
    """The stack when it is done. Raises OperationError with the first reason that CloudFormation gave against it."""
    from botocore.exceptions import WaiterError

    try:
        cloudformation.get_waiter(f"stack_{doing}_complete").wait(StackName=name, WaiterConfig=WAITING)
    except WaiterError:
        raise OperationError(f"the stack {name} was not made: {_reason(cloudformation, name)}", HINT) from None
    return _find(cloudformation, name)


HINT = "what stands already and belongs to no stack has to go, or the deployment gets names of its own: docs/deploy.md"


def _reason(cloudformation: Any, name: str) -> str:
    """Why the first part of the stack that failed did so: what failed after it was called off for its sake."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return str(failed[-1].get("ResourceStatusReason", "")) if failed else "it did not end in time; run it again"
