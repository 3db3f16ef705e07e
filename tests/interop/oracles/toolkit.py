"""Django OAuth Toolkit in a process of its own: `python -m tests.interop.oracles.toolkit FOLDER REDIRECT_URI`.

Its settings are global, so that no test process could hold two of them. Prints one line of JSON when it listens:
url, client_id, client_secret. The headless user: GET /login/?next=... signs in as ada and returns.
"""

import json
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

HOST = "127.0.0.1"
SECRET = "toolkit-secret-" + "s" * 40
SCOPES = {"account": "who you are", "tasks": "your tasks"}


def configure(folder: Path) -> None:
    """A small Django site with the toolkit in it."""
    settings.configure(
        SECRET_KEY="s" * 50,
        ALLOWED_HOSTS=[HOST],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        LOGIN_URL="/login/",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "toolkit.sqlite3"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        OAUTH2_PROVIDER={
            "PKCE_REQUIRED": True,
            "ROTATE_REFRESH_TOKEN": True,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
            "SCOPES": SCOPES,
            "DEFAULT_SCOPES": ["account"],
        },
    )
    django.setup()


def populate(redirect_uri: str) -> tuple[str, str]:
    """Tables, one user, and us as an application: client_id and client_secret."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    User.objects.create_user("ada", "ada@toolkit.example", "unused", first_name="Ada", last_name="Lovelace")
    application = Application.objects.create(
        name="Token Broker",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=redirect_uri,
        client_secret=SECRET,
        skip_authorization=True,
    )
    return application.client_id, SECRET


def _login(request: Any) -> Any:
    from django.contrib.auth import login
    from django.contrib.auth.models import User
    from django.shortcuts import redirect

    login(request, User.objects.get(username="ada"), backend="django.contrib.auth.backends.ModelBackend")
    return redirect(request.GET["next"])


def _metadata(request: Any) -> Any:
    from django.http import JsonResponse

    base = request.build_absolute_uri("/").rstrip("/")
    return JsonResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/o/authorize/",
            "token_endpoint": f"{base}/o/token/",
            "revocation_endpoint": f"{base}/o/revoke_token/",
            "userinfo_endpoint": f"{base}/api/account",
            "code_challenge_methods_supported": ["S256"],
        }
    )


def _account(request: Any) -> Any:
    from django.http import JsonResponse

    user = request.resource_owner
    return JsonResponse(
        {"user": {"id": user.pk, "login": user.username, "full_name": user.get_full_name(), "mail": user.email}}
    )


def _tasks(request: Any) -> Any:
    from django.http import JsonResponse

    return JsonResponse({"tasks": [f"Write a program for {request.resource_owner.first_name}'s engine"]})


def _tokens(request: Any) -> Any:
    """What stands in its tables: how often it was asked for tokens, and which of them live."""
    from django.http import JsonResponse
    from oauth2_provider.models import AccessToken, RefreshToken

    refresh = RefreshToken.objects
    return JsonResponse(
        {
            "refresh_tokens": refresh.count(),
            "living_refresh_tokens": refresh.filter(revoked__isnull=True).count(),
            "access_token_check": AccessToken.objects.count(),
        }
    )


def _urls() -> list[Any]:
    from django.urls import include, path
    from oauth2_provider.decorators import protected_resource

    return [
        path("login/", _login),
        path(".well-known/openid-configuration", _metadata),
        path("api/account", protected_resource(scopes=["account"])(_account)),
        path("api/tasks", protected_resource(scopes=["tasks"])(_tasks)),
        path("tokens", _tokens),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    ]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def main(folder: str, redirect_uri: str) -> None:
    """Serve until killed."""
    configure(Path(folder))
    client_id, secret = populate(redirect_uri)
    from django.core.wsgi import get_wsgi_application

    global urlpatterns
    urlpatterns = _urls()
    sys.modules.setdefault("tests.interop.oracles.toolkit", sys.modules["__main__"])
    server = make_server(HOST, 0, get_wsgi_application(), server_class=_Server, handler_class=_Quiet)
    ready = {"url": f"http://{HOST}:{server.server_port}", "client_id": client_id, "client_secret": secret}
    print(json.dumps(ready), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
