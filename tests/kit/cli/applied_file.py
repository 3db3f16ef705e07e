"""Parts of files for `broker apply`."""

from typing import Any

from tests.kit.cli.operator import Done

SECRET = "canary-secret-at-the-provider"
HEAD = '[providers.github]\nclient_id = "us"\nsecret_from = "env:GITHUB_SECRET"\n\n'
WEB = '[clients.web]\nname = "Web"\nredirect_uri = ["https://app.example/cb"]\n'


def rows_of(done: Done) -> Any:
    """The change, the kind and the name of each row."""
    return [(row["change"], row["kind"], row["name"]) for row in done.json]
