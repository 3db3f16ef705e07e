"""The least that a Chalice app with a table can be: what the cold start of the package is compared with."""

import boto3
from chalice import Chalice

app = Chalice(app_name="bare")
table = boto3.client("dynamodb")


@app.route("/health")
def health() -> dict[str, str]:
    """One answer without the table."""
    return {"status": "ok"}


@app.route("/read")
def read() -> dict[str, int]:
    """One answer with one consistent read."""
    found = table.batch_get_item(
        RequestItems={"broker": {"Keys": [{"pk": {"S": "NOTHING"}, "sk": {"S": "#"}}], "ConsistentRead": True}}
    )
    return {"found": len(found["Responses"]["broker"])}
