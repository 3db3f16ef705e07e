"""A client as commands print it."""

from typing import Any

from chalicelib.records.client import Client
from cli.client_options.proxy_rules import show_rule
from cli.output import date


def client_row(client: Client) -> dict[str, Any]:
    """A client as stored, without the hashes of its secrets."""
    return {
        "client_id": client.client_id,
        "client_name": client.client_name,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "token_endpoint_auth_signing_alg": client.token_endpoint_auth_signing_alg,
        "jwks": list(client.jwks),
        "jwks_uri": client.jwks_uri,
        "redirect_uris": list(client.redirect_uris),
        "application_type": client.application_type,
        "grant_types": sorted(client.grant_types),
        "scope": " ".join(sorted(client.scopes)),
        "optional_scopes": " ".join(sorted(client.optional_scopes)),
        "providers": sorted(client.providers),
        "handout": client.handout,
        "may_be_acted_by": sorted(client.may_be_acted_by),
        "proxy_rules": [show_rule(rule) for rule in client.proxy_rules],
        "serves": sorted(client.serves),
        "resources": sorted(client.resources),
        "response_modes": sorted(client.response_modes),
        "first_party": client.first_party,
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "purpose": client.purpose,
        "client_uri": client.client_uri,
        "initiate_login_uri": client.initiate_login_uri,
        "subject_type": client.subject_type,
        "sector": client.sector,
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "backchannel_logout_session_required": client.backchannel_logout_session_required,
        "bff_origins": list(client.bff_origins),
        "bff_api": {"url": client.bff_api.url, "resource": client.bff_api.resource} if client.bff_api else None,
        "registered_by": client.registered_by,
        "secrets": [{"created_at": date(one.created_at), "expires_at": date(one.expires_at)} for one in client.secrets],
        "created_at": date(client.created_at),
        "expires_at": date(client.expires_at),
        "disabled": client.marks.disabled,
        "deleted_at": date(client.deleted_at),
        "revision": client.revision,
    }
