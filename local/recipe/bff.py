"""`dev.py recipe bff`: a page without tokens, the API behind it, and a broker with two providers between them.

The page has the broker's host and another port: that is one site, as a browser counts them.
"""

import io
import runpy
import threading
from dataclasses import dataclass
from typing import Any

from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.parts import BROKER, PARTS
from local.recipe.recipe_server import RECIPES, RecipeServer

NAME = "bff"
HOST = BROKER[0]
SCOPES = frozenset({"openid", "profile", "tasks", "demo:notes:read"})


@dataclass
class BffStack:
    """Everything that runs; api   the recipe's own."""

    demo: DemoStack
    page: RecipeServer
    api: Any

    def stop(self) -> None:
        """Stop everything."""
        for server in (self.page, self.api):
            server.shutdown()
            server.server_close()
        self.demo.stop()


def start_bff() -> BffStack:
    """Start all of it on free ports."""
    from chalicelib.adapters.http.guarded_fetcher import LocalTarget

    api = runpy.run_path(str(RECIPES / NAME / "api.py"))["Api"]()
    target = LocalTarget(host=HOST, port=api.server_port, address=HOST)
    demo = start_demo(io.StringIO(), free_ports=True, reachable=(target,))
    api.trust(demo.broker.issuer, api.url)
    page = RecipeServer(NAME, RECIPES, host=HOST)
    page.config = {"issuer": demo.broker.issuer, "client_id": _register(demo, page.url, api.url)}
    for server in (api, page):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return BffStack(demo, page, api)


def _register(demo: DemoStack, origin: str, api: str) -> str:
    """`broker resource create`, and `broker client create --bff-origin ORIGIN --bff-api API`: the client's id."""
    from chalicelib.records.client import BffApi, Client
    from chalicelib.records.resource import Resource
    from cli.deployment.operations import create_client, create_resource

    create_resource(demo.broker.deployment, Resource(audience=api, scopes=frozenset({"tasks"})))
    client = Client(
        client_id="",
        client_name="Recipe bff",
        redirect_uris=(),
        token_endpoint_auth_method="none",
        scopes=SCOPES,
        providers=frozenset(part.provider_id for part in PARTS),
        handout="proxy",
        resources=frozenset({api}),
        bff_origins=(origin,),
        bff_api=BffApi(resource=api, url=api),
    )
    return create_client(demo.broker.deployment, client)[0].client_id
