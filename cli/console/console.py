"""From a request to its response: first the access rules, then the page."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from cli.console import access
from cli.console.command_runner import CommandRunner, Outcome
from cli.console.message import Request, Response
from cli.console.pages import render

View = Callable[..., Response]
# "/clients/{client_id}" -> view; a name in braces is one segment of the path.
Routes = dict[str, View]


class Console:
    """A running console: a session, a deployment, and the pages.

    pages    shown with GET
    forms    that a page posts
    """

    def __init__(self, session: access.Session, runner: CommandRunner, *, pages: Routes, forms: Routes) -> None:
        self.session = session
        self.runner = runner
        self._routes = {"GET": pages, "POST": forms}

    def answer(self, request: Request) -> Response:
        """The response; a refusal is a page that says why."""
        try:
            access.check_host(self.session, request.headers)
            return self._answer(request)
        except access.Denied as denied:
            return render("denied.html", status=denied.status, title="Not available", why=str(denied))

    def page(self, template: str, request: Request, *, title: str, status: int = 200, **values: Any) -> Response:
        """A page of the session, with its navigation."""
        settings = self.runner.deployment.settings
        return render(
            template,
            status=status,
            title=title,
            here=request.path,
            base=self.session.base,
            csrf=self.session.csrf,
            issuer=settings.issuer,
            **values,
        )

    def failed(self, request: Request, outcome: Outcome, *, title: str) -> Response:
        """The page of a command that failed."""
        return self.page("failed.html", request, title=title, status=400, outcome=outcome)

    def redirect(self, path: str) -> Response:
        """To another page of the console, after a form."""
        return Response(status=303, headers=(("Location", f"{self.session.base}{path}"),))

    def _answer(self, request: Request) -> Response:
        base, _, rest = request.path.partition(self.session.base + "/")
        if base or not request.path.startswith(self.session.base + "/"):
            raise access.Denied(404, "Open the link that the terminal printed.")
        if rest == "open" and request.method == "GET":
            cookie = access.open_session(self.session, request.query.get("token", ""))
            opened = render("opened.html", title="Opening the console", base=self.session.base)
            return Response(body=opened.body, headers=(("Set-Cookie", cookie),))
        access.check_session(self.session, request)
        if request.method == "POST":
            access.check_form(self.session, request)
        return self._dispatch(Request(**_members(request, path=f"/{rest}")))

    def _dispatch(self, request: Request) -> Response:
        routes = self._routes.get("GET" if request.method == "HEAD" else request.method)
        if routes is None:
            raise access.Denied(405, "The console knows only GET and POST.")
        for pattern, view in routes.items():
            if (found := _match(pattern, request.path)) is not None:
                return view(self, request, **found)
        return self.page("missing.html", request, title="No such page", status=404)


def _match(pattern: str, path: str) -> dict[str, str] | None:
    """The values of the names in braces; None if the path is another one."""
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    found = {}
    for one, part in zip(wanted, given, strict=True):
        if one.startswith("{"):
            found[one[1:-1]] = unquote(part)
        elif one != part:
            return None
    return found


def _members(request: Request, **changed: Any) -> dict[str, Any]:
    members = {name: getattr(request, name) for name in request.__struct_fields__}
    return members | changed
