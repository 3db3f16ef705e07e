"""Discovery: metadata of both kinds, the key set, and health."""

from chalicelib.endpoints.callers.clients import OWN_SCOPES
from chalicelib.pages.language import LANGUAGES
from chalicelib.ports import Broker
from chalicelib.protocol.metadata import authorization_server_metadata, protected_resource_metadata
from chalicelib.protocol.own_jwt import jwks_document
from chalicelib.protocol.request import Request
from chalicelib.provider_client import is_configured
from chalicelib.records.item_keys import provider_item_key, resource_item_key
from chalicelib.responses import Response, json_response

CACHE_SECONDS = 300


def authorization_server(broker: Broker, http: Request) -> Response:
    """GET /.well-known/oauth-authorization-server and /.well-known/openid-configuration (RFC 8414, OIDC Discovery)."""
    item_keys = [provider_item_key(provider_id) for provider_id in sorted(broker.catalog.ids)]
    found = broker.registry.lookup(*item_keys, absence_of=frozenset(item_keys))
    switched_on = frozenset(
        record.provider_id
        for item_key in item_keys
        if (record := found.get(item_key)) and not record.marks.disabled and is_configured(broker, record)
    )
    document = authorization_server_metadata(
        broker.settings, provider_ids=switched_on, scopes=OWN_SCOPES | _open_scopes(broker), languages=LANGUAGES
    )
    return json_response(document, cacheable_seconds=CACHE_SECONDS)


def _open_scopes(broker: Broker) -> frozenset[str]:
    """Resource scopes that open registration allows: many agents request exactly the listed scopes."""
    settings = broker.settings
    if settings.registration != "open" and not settings.client_id_documents:
        return frozenset()
    item_keys = [resource_item_key(audience) for audience in sorted(settings.open_registration_resources)]
    if not item_keys:
        return frozenset()
    found = broker.registry.lookup(*item_keys, absence_of=frozenset(item_keys))
    known = (found.get(item_key) for item_key in item_keys)
    return settings.open_registration_scopes & frozenset[str]().union(*(one.scopes for one in known if one))


def protected_resource(broker: Broker, http: Request) -> Response:
    """GET /.well-known/oauth-protected-resource (RFC 9728)."""
    document = protected_resource_metadata(broker.settings, own_scopes=OWN_SCOPES)
    return json_response(document, cacheable_seconds=CACHE_SECONDS)


def jwks(broker: Broker, http: Request) -> Response:
    """GET /jwks (RFC 7517): only public keys."""
    return json_response(jwks_document(broker.keys.public_jwks()), cacheable_seconds=CACHE_SECONDS)


def health(broker: Broker, http: Request) -> Response:
    """GET /health: the settings are valid and the process responds; reads no storage."""
    return json_response({"status": "ok"})
