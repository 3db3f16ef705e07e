"""A door before ministack for `chalice deploy`: it answers the calls on a REST API that ministack does not know.

ministack imports an OpenAPI document through CloudFormation alone: ImportRestApi makes it an empty API, and it has no
PutRestApi. A minimum compression size of "", by which Chalice switches compression off, it gives back where AWS gives
back no number at all.
What is asked of a function waits here until the function is ready: Chalice would look again after five seconds.
"""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

from tests.deploy.rehearsal.door import JSON, Door, Headers, Sent


class ImportDoor(Door):
    """What it does not answer itself it passes on.

    imported   the document of the API that was imported
    """

    imported: dict[str, Any]

    def answer(self, method: str, target: str, headers: Headers, body: bytes) -> Sent:
        """Status and body of one call's answer."""
        parts = urlsplit(target)
        mode = parse_qs(parts.query).get("mode")
        if method == "POST" and parts.path == "/restapis" and mode == ["import"]:
            return self._import(json.loads(body), parse_qs(parts.query)["endpointConfigurationTypes"])
        if method == "PUT" and parts.path.startswith("/restapis/") and mode == ["overwrite"]:
            self._overwrite(parts.path.rpartition("/")[2], json.loads(body))
            return self.pass_on("GET", parts.path, [("Host", "aws")], b"")
        if method == "PATCH" and parts.path.startswith("/restapis/") and parts.path.count("/") == 2:
            body = json.dumps({"patchOperations": list(_changes(json.loads(body)["patchOperations"]))}).encode()
        sent = self.pass_on(method, target, headers, body)
        while (
            method == "GET" and "/functions/" in parts.path and (b'"Pending"' in sent[2] or b'"InProgress"' in sent[2])
        ):
            time.sleep(0.1)
            sent = self.pass_on(method, target, headers, body)
        return sent

    def _import(self, document: dict[str, Any], types: list[str]) -> Sent:
        self.imported = document
        properties = {
            "Name": document["info"]["title"],
            "Body": document,
            "BinaryMediaTypes": document["x-amazon-apigateway-binary-media-types"],
            "EndpointConfiguration": {"types": types},  # as its API has it; it is not translated there
        }
        template = {"Resources": {"RestAPI": {"Type": "AWS::ApiGateway::RestApi", "Properties": properties}}}
        s3, cloudformation = (boto3.client(name, endpoint_url=self.endpoint_url) for name in ("s3", "cloudformation"))
        s3.create_bucket(Bucket="imports")
        s3.put_object(Bucket="imports", Key="api.json", Body=json.dumps(template))
        cloudformation.create_stack(StackName="imported", TemplateURL=f"{self.endpoint_url}/imports/api.json")
        cloudformation.get_waiter("stack_create_complete").wait(StackName="imported", WaiterConfig={"Delay": 1})
        (api,) = cloudformation.describe_stack_resources(StackName="imported")["StackResources"]
        return 201, JSON, json.dumps({"id": api["PhysicalResourceId"], "name": properties["Name"]}).encode()

    def _overwrite(self, name: str, document: dict[str, Any]) -> None:
        """Routes of the new document alone, method by method; who came before and after may differ in nothing else."""
        api = boto3.client("apigateway", endpoint_url=self.endpoint_url)
        before, after = _routes(self.imported), _routes(document)
        assert {**self.imported, "paths": {}} == {**document, "paths": {}}
        pages = api.get_paginator("get_resources").paginate(restApiId=name)
        places = {one["path"]: one["id"] for page in pages for one in page["items"]}
        for path, method in before.keys() - after.keys():
            api.delete_method(restApiId=name, resourceId=places[path], httpMethod=method)
        for (path, method), target in after.items():
            if before.get((path, method)) == target:
                continue
            for parent, part in _steps(path):
                if (place := f"{parent.rstrip('/')}/{part}") not in places:
                    made = api.create_resource(restApiId=name, parentId=places[parent], pathPart=part)
                    places[place] = made["id"]
            at = {"restApiId": name, "resourceId": places[path], "httpMethod": method}
            api.put_method(**at, authorizationType="NONE")
            api.put_integration(**at, type="AWS_PROXY", integrationHttpMethod="POST", uri=target)
        self.imported = document


def _routes(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Path and method to where its requests go."""
    return {
        (path, method.upper()): said["x-amazon-apigateway-integration"].get("uri", "")
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    }


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """From the root to a path: each place and the part that leads on."""
    parts = path.strip("/").split("/")
    for number, part in enumerate(parts):
        yield "/" + "/".join(parts[:number]), part


def _changes(operations: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Those that change anything: neither no compression, nor a type of endpoint in the place of itself."""
    for one in operations:
        kind, _, name = one["path"].rpartition("/")
        if one["value"] and not (kind == "/endpointConfiguration/types" and name == one["value"]):
            yield one
