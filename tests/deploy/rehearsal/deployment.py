"""A deployment on ministack, which plays AWS on loopback: the stack, and the door of its API."""

import http.client
import json
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import boto3

from tests.deploy.infra.template import with_code
from tests.deploy.package.events import FORM, Answer
from tests.deploy.package.world import ISSUER

HOST, NAME = urlsplit(ISSUER).netloc, "token-broker"
SERVICES = "dynamodb,kms,s3,sts,iam,lambda,apigateway,acm,cloudformation,logs,events"


class Stack:
    """A stack that stands, and the door of its API: the issuer's own host, as the template's domain leads there."""

    def __init__(
        self, endpoint_url: str, template: dict[str, Any], package: Path, *, name: str = NAME, **parameters: str
    ) -> None:
        self.endpoint_url, self.name = endpoint_url, name
        self.host = parameters.get("DomainName", HOST)
        self.client("s3").create_bucket(Bucket="packages")
        certificate = self.client("acm").request_certificate(DomainName=self.host, ValidationMethod="DNS")
        self.parameters = {"DomainName": HOST, "CertificateArn": certificate["CertificateArn"], **parameters}
        self.deploy("create", template, package)

    def deploy(self, doing: Literal["create", "update"], template: dict[str, Any], package: Path) -> None:
        """Create or update the stack by `template` with the code of `package`, and wait.

        Raises botocore's WaiterError where it is rolled back.
        """
        self.client("s3").upload_file(str(package), "packages", package.name)
        usable = with_code(template, f"s3://packages/{package.name}")
        self.client("s3").put_object(Bucket="packages", Key="template.json", Body=json.dumps(usable))
        cloudformation = self.client("cloudformation")
        getattr(cloudformation, f"{doing}_stack")(
            StackName=self.name,
            TemplateURL=f"{self.endpoint_url}/packages/template.json",  # in a request it may have 51,200 bytes at most
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in self.parameters.items()
                if name in template.get("Parameters", {})
            ],
        )
        waiting = {"Delay": 1, "MaxAttempts": 60}
        cloudformation.get_waiter(f"stack_{doing}_complete").wait(StackName=self.name, WaiterConfig=waiting)
        (stack,) = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def status(self) -> str:
        """What CloudFormation says of the stack."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return str(stack["StackStatus"])

    def code(self) -> set[str]:
        """SHA-256 of the code of every function, in base64."""
        return {function["CodeSha256"] for function in self.client("lambda").list_functions()["Functions"]}

    def client(self, service: str) -> Any:
        """A client of one service there."""
        return boto3.client(service, endpoint_url=self.endpoint_url)

    def send(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request to the API, under the issuer's host."""
        return self.invoke(self.event(method, url, form=form, headers=headers))

    def event(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """What `invoke` sends."""
        parts = urlsplit(url)
        sent = {"Host": self.host, **({"Content-Type": FORM} if form is not None else {}), **(headers or {})}
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return {"method": method, "target": target, "headers": sent, "body": urlencode(form or {})}

    def invoke(self, event: dict[str, Any]) -> Answer:
        """Send it."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=60)
        # A release without a domain of its own is reached as ministack reaches any API.
        place = "" if "Issuer" in self.outputs else f"/restapis/{self.outputs['RestAPIId']}/api/_user_request_"
        connection.request(event["method"], place + event["target"], event["body"] or None, event["headers"])
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Answer(answer.status, headers, body)


def without_encryption_context(template: dict[str, Any]) -> dict[str, Any]:
    """The template as ministack can evaluate it: without conditions on KMS's encryption context, which it would deny,
    and with keys also by their alias, where AWS asks for the right on the key behind it.
    """
    copy: dict[str, Any] = json.loads(json.dumps(template))
    for resource in copy["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    statement.pop("Condition", None)
                    if "kms:" in str(statement["Action"]):
                        statement["Resource"] = [statement["Resource"], "arn:aws:kms:*:*:alias/*"]
        if resource["Type"] == "AWS::KMS::Key":
            statements = resource["Properties"]["KeyPolicy"]["Statement"]
            statements[:] = [statement for statement in statements if statement["Effect"] == "Allow"]
    return copy
