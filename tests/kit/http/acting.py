"""An app whose user is acted for: by a service at which the app's tokens are shown, and by the next one behind it."""

from dataclasses import dataclass
from typing import Any

from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key, grant_item_key
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.browser import Answer
from tests.kit.http.stack import ACCESS_TOKEN, EXCHANGE, SCOPE, SignIn, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, change

TOOLS, ORDERS, BOOKS = "https://tools.example", "https://orders.example", "https://books.example"
APIS = frozenset({TOOLS, ORDERS, BOOKS})
SCOPES = frozenset({"orders:read", "orders:write"})


@dataclass
class Service:
    """A client that acts for others."""

    stack: Stack
    client: Client
    secret: str | None

    def own_token(self, **more: Any) -> str:
        """For itself and for the broker."""
        return str(
            self.stack.token(self.client, self.secret, grant_type="client_credentials", **more).json["access_token"]
        )

    def act(self, subject: str, resource: str | None = ORDERS, actor: str | None = None, **changed: Any) -> Answer:
        """Exchange a token of somebody's user for one to act with."""
        fields = {
            "grant_type": EXCHANGE,
            "subject_token": subject,
            "subject_token_type": ACCESS_TOKEN,
            "actor_token": actor or self.own_token(),
            "actor_token_type": ACCESS_TOKEN,
            "resource": resource,
            **changed,
        }
        return self.stack.token(self.client, self.secret, **fields)

    def introspect(self, token: str) -> dict[str, Any]:
        """What it is told of a token that it was shown."""
        return dict(self.stack.post("/introspect", self.client, self.secret, token=token).json)


@dataclass
class Acted:
    """`tools` is shown tokens of the app's and may act at ORDERS; `orders` is shown those, and may act at BOOKS."""

    session: Session
    tools: Service
    orders: Service

    @property
    def shown(self) -> str:
        """The app's token for TOOLS."""
        return str(self.narrow().json["access_token"])

    def narrow(self, **changed: Any) -> Answer:
        return self.session.exchange(audience=None, **{"resource": TOOLS, **changed})

    def allow(self, *services: Service) -> None:
        """These may act for the app, and no others."""
        place = client_item_key(self.session.client.client_id)
        change(self.session.stack, place, may_be_acted_by=frozenset(one.client.client_id for one in services))


def start_acting(stack: Stack, **fields: Any) -> Acted:
    """Register all of them, sign in, and let both services act."""
    for audience in sorted(APIS):
        create_resource(stack.deployment, Resource(audience=audience, scopes=SCOPES))
    tools = start_service(stack, serves=frozenset({TOOLS}), resources=frozenset({ORDERS}))
    orders = start_service(stack, serves=frozenset({ORDERS, BOOKS}), resources=frozenset({BOOKS}))
    app = {"scopes": frozenset(SCOPE.split()) | SCOPES, "resources": APIS, "handout": "token", **fields}
    sign_in = stack.sign_in(*stack.client(**app), scope=f"{SCOPE} orders:read orders:write", resource=TOOLS)
    acted = Acted(redeem_for_all(stack, sign_in), tools, orders)
    acted.allow(tools, orders)
    return acted


def redeem_for_all(stack: Stack, sign_in: SignIn, **more: Any) -> Session:
    """Its token for the broker; the user has allowed every API."""
    session = Session(stack, sign_in, stack.redeem(sign_in, resource=stack.settings.issuer, **more).json)
    change(stack, grant_item_key(session.claims["grant_id"]), resources=tuple(sorted(APIS)))
    return session


def start_service(stack: Stack, **fields: Any) -> Service:
    """A confidential client that may ask for itself and exchange."""
    grants = frozenset({"client_credentials", EXCHANGE})
    values = {"grant_types": grants, "scopes": SCOPES, "handout": "none", "redirect_uris": (), **CONFIDENTIAL, **fields}
    return Service(stack, *stack.client(**values))
