"""Export or erase everything that the broker stores about a user."""

from typing import Any

from chalicelib.endpoints.account.access import ButtonPress, open_key, read_account_access
from chalicelib.endpoints.account.apps import build_apps
from chalicelib.endpoints.browser.cookies import SESSION, set_cookie
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.endpoints.connections.connections import open_profile_of
from chalicelib.jobs.user_erasure import enqueue_erasure
from chalicelib.pages.account_app import AccountApp
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker
from chalicelib.records.audit import AuditEvent
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.responses import Response, json_response, page_response

MOST_EVENTS = 5000  # a response of the gateway is limited to some megabytes


def download(broker: Broker, press: ButtonPress) -> Response:
    """Everything that is stored about this user, as JSON, without tokens, keys and secrets."""
    holder, held = press.holder, read_account_access(broker, press.holder)
    events, is_whole = broker.store.list_events(holder.sub, since=held.uses_since, most=MOST_EVENTS)
    document = {
        "made_at": holder.now,
        "user": {"sub": holder.sub, "since": holder.subject.created_at, "signed_in_with": holder.session.provider_id},
        "apps": [_describe_app(app) for app in build_apps(broker, holder, held, open_key(broker, holder))],
        "sign_ins": [_describe_grant(grant) for grant in held.grants],
        "connections": [_describe_connection(broker, one, open_key(broker, holder)) for one in held.connections],
        "uses": [_describe_event(event) for event in events],
        "uses_are_whole": is_whole,
    }
    broker.log.event("data_downloaded")
    return json_response(document).with_headers(("Content-Disposition", 'attachment; filename="my-access.json"'))


def erase(broker: Broker, press: ButtonPress) -> Response:
    """Store the erasure job, then disable the user. The user has no access from now on; the job does the rest."""
    enqueue_erasure(broker, press.holder.sub)
    broker.store.erase_subject(press.holder.subject, now=press.holder.now)
    broker.log.event("user_erases_themselves", sub=press.holder.sub)
    reply = page_response(ErrorPage(name="erased", site=issuer_host(broker)))
    return reply.with_headers(set_cookie(broker, SESSION, "", max_age=0))


def _describe_app(app: AccountApp) -> dict[str, Any]:
    return {
        "client_id": app.client_id,
        "name": app.name,
        "host": app.host,
        "verified": app.verified,
        "allowed_at": app.allowed_at,
        "paused_at": app.paused_at or None,
        "ends_at": app.ends_at or None,
        "scopes": sorted(app.scopes),
    }


def _describe_grant(grant: Grant) -> dict[str, Any]:
    return {
        "client_id": grant.client_id,
        "provider": grant.provider_id,
        "status": grant.status,
        "allowed_at": grant.decided_at,
        "renewed_at": grant.advanced_at or None,
        "ends_at": grant.ends_at,
        "scopes": sorted(grant.scopes),
        "resources": list(grant.resources),
    }


def _describe_connection(broker: Broker, connection: Connection, user_key: bytes) -> dict[str, Any]:
    """Describe a connection, with the profile that the provider returned."""
    ended = connection.status == "revoked"
    return {
        "connection_id": connection.connection_id,
        "client_id": connection.client_id,
        "provider": connection.provider_id,
        "status": connection.status,
        "connected_at": connection.connected_at,
        "revoked_at": connection.revoked_at or None,
        "at_provider": dict(connection.endings),
        "scopes": sorted(connection.granted),
        "profile": {} if ended else open_profile_of(broker, connection, user_key),
    }


def _describe_event(event: AuditEvent) -> dict[str, Any]:
    return {
        "what": event.event,
        "at": event.at,
        "client_id": event.client_id,
        "provider": event.provider_id,
        "connection_id": event.connection_id,
        "acted_by": event.actor_id or None,
        "api": event.audience or None,
        "method": event.method or None,
        "scopes": sorted(event.scopes),
    }
