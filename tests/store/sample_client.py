"""A client record to store."""

from chalicelib.records.client import Client, Management
from tests.kit.store_scene import NOW, Story


def client(story: Story, revision: int) -> Client:
    return Client(
        client_id=story.grant_id, client_name="app", redirect_uris=("https://app.example/callback",),
        token_endpoint_auth_method="none", revision=revision, expires_at=NOW,
        management=Management(present=bytes([revision]) * 32),
    )  # fmt: skip
