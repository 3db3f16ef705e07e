"""A door before ministack for `chalice deploy`: it answers the calls on a REST API that ministack does not know.

ministack imports an OpenAPI document through CloudFormation alone, ImportRestApi makes it an empty API; and a minimum
compression size of "", by which Chalice switches compression off, it gives back where AWS gives back no number at all.
What is asked of a function waits here until the function is ready: Chalice would look again after five seconds.
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

Sent = tuple[int, bytes]


class ImportDoor:
    """Stands at `url`; what it does not answer itself it passes on as it is.

    imported   the document of the API that was imported
    """

    imported: dict[str, Any]

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        methods = {f"do_{method}": _Handler.call for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")}
        handler = type("ImportHandler", (_Handler,), {"door": self, **methods})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the door."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Sent:
        """Status and body of one call's answer."""
        parts = urlsplit(target)
        mode = parse_qs(parts.query).get("mode")
        if method == "POST" and parts.path == "/restapis" and mode == ["import"]:
            return self._import(json.loads(body), parse_qs(parts.query)["endpointConfigurationTypes"])
        if method == "PUT" and parts.path.startswith("/restapis/") and mode == ["overwrite"]:
            if json.loads(body) != self.imported:
                return 501, b'{"message": "another document than before would need an import into the same API"}'
            return self.pass_on("GET", parts.path, [], b"")
        if method == "PATCH" and parts.path.startswith("/restapis/") and parts.path.count("/") == 2:
            body = json.dumps({"patchOperations": list(_changes(json.loads(body)["patchOperations"]))}).encode()
        sent = self.pass_on(method, target, headers, body)
        while (
            method == "GET" and "/functions/" in parts.path and (b'"Pending"' in sent[1] or b'"InProgress"' in sent[1])
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
        return 201, json.dumps({"id": api["PhysicalResourceId"], "name": properties["Name"]}).encode()

    def pass_on(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Sent:
        """What ministack answers."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=60)
        kept = {name: value for name, value in headers if name.lower() not in ("host", "content-length", "expect")}
        connection.request(method, target, body or None, kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


def _changes(operations: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Those that change anything: neither no compression, nor a type of endpoint in the place of itself."""
    for one in operations:
        kind, _, name = one["path"].rpartition("/")
        if one["value"] and not (kind == "/endpointConfiguration/types" and name == one["value"]):
            yield one


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    door: ImportDoor

    def call(self) -> None:
        """One call."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, content = self.door.answer(self.command, self.path, self.headers.items(), body)
        self.send_response_only(status)
        self.send_header("Content-Type", "text/xml" if content.startswith(b"<") else "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
