"""Creates on a loopback endpoint what infra/resources.json creates in an account: two tables and one key."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.deployment.local_environment import REGION

DEFINITION = Path(__file__).resolve().parents[2] / "infra" / "resources.json"
TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
TARGETS = {"dynamodb": "DynamoDB_20120810", "kms": "TrentService"}


class EndpointRefused(Exception):
    """The endpoint answered with an error; `code` is its exception's bare name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def call_endpoint(endpoint_url: str, service: str, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
    """One AWS JSON call without boto3, for stand-ins on loopback that do not check signatures."""
    place = urlsplit(endpoint_url)
    connection = http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=30)
    scope = f"Credential=local/20260101/{REGION}/{service}/aws4_request"
    headers = {
        "X-Amz-Target": f"{TARGETS[service]}.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
    }
    try:
        connection.request("POST", "/", json.dumps(payload), headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read() or b"{}")
    finally:
        connection.close()
    if response.status != 200:
        code = str(answer.get("__type", response.status)).rpartition("#")[2]
        raise EndpointRefused(code, str(answer.get("message") or answer.get("Message") or ""))
    return answer


def create_tables(endpoint_url: str, table: str = "broker", keys_table: str = "broker-keys") -> None:
    """Create both tables as infra/resources.json defines them; one that exists stays as it is."""
    resources = json.loads(DEFINITION.read_text())["Resources"]
    for logical_id, name in (("BrokerTable", table), ("BrokerKeysTable", keys_table)):
        _create_table(endpoint_url, name, resources[logical_id]["Properties"])


def create_key(endpoint_url: str, alias: str = "alias/broker") -> None:
    """Create the key behind the alias unless the alias exists."""
    try:
        call_endpoint(endpoint_url, "kms", "DescribeKey", {"KeyId": alias})
    except EndpointRefused as refusal:
        if refusal.code != "NotFoundException":
            raise
        key = call_endpoint(endpoint_url, "kms", "CreateKey", {"Description": "Wraps the keysets of the token broker"})
        _create_alias(endpoint_url, alias, key["KeyMetadata"]["KeyId"])


def _create_table(endpoint_url: str, name: str, properties: dict[str, Any]) -> None:
    wanted = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
    try:
        call_endpoint(endpoint_url, "dynamodb", "CreateTable", {"TableName": name, **wanted})
    except EndpointRefused as refusal:
        if refusal.code != "ResourceInUseException":
            raise
        return
    lifetime = {"TableName": name, "TimeToLiveSpecification": properties["TimeToLiveSpecification"]}
    call_endpoint(endpoint_url, "dynamodb", "UpdateTimeToLive", lifetime)


def _create_alias(endpoint_url: str, alias: str, key_id: str) -> None:
    try:
        call_endpoint(endpoint_url, "kms", "CreateAlias", {"AliasName": alias, "TargetKeyId": key_id})
    except EndpointRefused as refusal:
        if refusal.code != "AlreadyExistsException":  # another process was faster
            raise
