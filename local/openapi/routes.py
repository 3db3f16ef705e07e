"""Every path and method that the app answers, with the Route that serves it, as the app itself has them."""

import re
from types import SimpleNamespace
from typing import Any

from chalice.app import Chalice
from msgspec import Struct

from chalicelib.routes import GROUPS
from chalicelib.routes.edge import Route


class Served(Struct, frozen=True, kw_only=True):
    """One method of one path; `path` as OpenAPI writes it."""

    method: str
    path: str
    route: Route

    @property
    def name(self) -> str:
        """The form used in descriptions: GET /jwks."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """Of the path, in order."""
        return re.findall(r"\{(\w+)\}", self.path)


class _Shown:
    """Stands for the edge: a view that is called says by which Route it serves."""

    def serve(self, current_request: Any, route: Route) -> Any:
        return route


def read_served() -> list[Served]:
    """In the order of paths, then methods. OPTIONS is among them where other origins may call."""
    edge: Any = _Shown()
    app: Any = Chalice("described")
    for group in GROUPS:
        app.register_blueprint(group.build_blueprint(edge))
    found = list[Served]()
    for path, methods in sorted(app.routes.items()):
        for method, entry in sorted(methods.items()):
            app.current_request = SimpleNamespace(method=method)
            route = entry.view_function(**dict.fromkeys(entry.view_args, "x"))
            found.append(Served(method=method, path=path.replace("+}", "}"), route=route))
    return found
