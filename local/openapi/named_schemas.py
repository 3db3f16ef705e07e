"""Every schema of a body that has a name in the description, by subject."""

from typing import get_args

from chalicelib.protocol.own_jwt import PUBLIC_MEMBERS
from chalicelib.protocol.token_claims import PROFILE_CLAIMS
from chalicelib.records.connection import ConnectionStatus
from chalicelib.vault.rules.revocation_results import PARTS, Result
from local.openapi.parameters import ACCESS_TOKEN, PARAMETERS, Schema
from local.openapi.schemas import (
    ASKED,
    ASKED_TOO,
    FLAG,
    NUMBER,
    PROVEN,
    TEXT,
    account_data,
    error,
    form,
    metadata,
    record,
    registered,
    registration,
    resource_metadata,
    token_request,
)

USE: Schema = record("", handouts=NUMBER, calls=NUMBER, since=NUMBER, last_used_at=NUMBER)
TICKED: Schema = PARAMETERS["resource"] | {"description": "Ticked."}
PROFILE: dict[str, Schema] = dict.fromkeys(PROFILE_CLAIMS, TEXT) | {
    "updated_at": {"type": ["integer", "number", "string"]}
}


def build_schemas() -> dict[str, Schema]:
    """All of them."""
    return {
        **_general(),
        **_authorization_requests(),
        **_page_forms(),
        **_tokens(),
        **_introspection(),
        **_sessions(),
        **_connections(),
        **_registration(),
    }


def _general() -> dict[str, Schema]:
    """Errors, metadata, keys and health."""
    return {
        "Error": error(),
        "Metadata": metadata(),
        "ResourceMetadata": resource_metadata(),
        "Keys": record("keys", keys={"type": "array", "items": record(" ".join(sorted(PUBLIC_MEMBERS)))}),
        "Root": record("issuer openid-configuration my_access"),
        "Health": record("status", status={"const": "ok"}),
    }


def _authorization_requests() -> dict[str, Schema]:
    """What starts a sign-in."""
    return {
        "AuthorizationRequest": form(ASKED, ASKED_TOO),
        "ReferredRequest": form("client_id request_uri", ""),
        "PushedRequest": form(ASKED, f"{ASKED_TOO} client_secret client_assertion client_assertion_type"),
        "Pushed": record("request_uri expires_in", expires_in=NUMBER),
    }


def _page_forms() -> dict[str, Schema]:
    """What the forms of the hosted pages send."""
    return {
        "SignInForm": form("request", "provider decision ends", scope=TICKED),
        "CallbackForm": form("", "code state iss error"),
        "LogoutForm": form(
            "", "id_token_hint logout_hint client_id post_logout_redirect_uri state ui_locales request decision"
        ),
        "AccountSearch": form("", "q"),
        "AccountForm": form("act", "request", scope=TICKED),
        "AccountData": account_data(),
        "DeviceForm": form("", "user_code"),
        "LinkForm": form("request", "decision", scope=TICKED),
    }


def _tokens() -> dict[str, Schema]:
    """Device and token requests, and their responses."""
    return {
        "DeviceRequest": form("", f"scope resource provider {PROVEN}"),
        "Device": record(
            "device_code user_code verification_uri verification_uri_complete expires_in interval",
            expires_in=NUMBER,
            interval=NUMBER,
        ),
        "TokenRequest": token_request(),
        "Tokens": record(
            "access_token token_type scope",
            "refresh_token id_token connection_id",
            token_type={"enum": ["Bearer", "DPoP"]},
            expires_in=NUMBER,
            issued_token_type={"const": ACCESS_TOKEN},
        ),
        "AboutToken": form("token", f"token_type_hint {PROVEN}"),
        "Nothing": {"type": "object", "properties": {}},
    }


def _introspection() -> dict[str, Schema]:
    """Introspection and UserInfo."""
    return {
        "Introspection": record(
            "active",
            "iss sub aud client_id jti token_type scope",
            active=FLAG,
            exp=NUMBER,
            iat=NUMBER,
            auth_time=NUMBER,
            cnf=record("jkt"),
            act={"$ref": "#/components/schemas/Actor"},
            may_act=record("", "iss sub client_id"),
        ),
        "Actor": record("sub", act={"$ref": "#/components/schemas/Actor"}),
        "UserInfo": record("sub", **PROFILE, email=TEXT, email_verified=FLAG),
        "UserInfoForm": {"type": "object", "properties": {}},
    }


def _sessions() -> dict[str, Schema]:
    """Browser sessions of single-page apps."""
    return {
        "SessionRequest": form("", "return_to origin scope provider prompt max_age login_hint ui_locales"),
        "Session": record(
            "user provider scope signed_in_at ends_at ends_unused_at",
            user=record("sub", **PROFILE, email=TEXT, email_verified=FLAG),
            signed_in_at=NUMBER,
            auth_time=NUMBER,
            ends_at=NUMBER,
            ends_unused_at=NUMBER,
        ),
        "SessionEnded": record("signed_out login_uri logout_uri", signed_out={"const": True}),
    }


def _connections() -> dict[str, Schema]:
    """Connections, and the links that make them."""
    return {
        "LinkRequest": form("provider redirect_uri", "scope state"),
        "Link": record("connect_uri expires_in", expires_in=NUMBER),
        "Connection": _connection(),
        "EndedConnection": _ended_connection(),
        "OneConnection": {
            "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Connection", "EndedConnection")]
        },
        "Connections": record(
            "connections ended",
            connections={"type": "array", "items": {"$ref": "#/components/schemas/Connection"}},
            ended={"type": "array", "items": {"$ref": "#/components/schemas/EndedConnection"}},
        ),
        "AccessEnded": record(
            "status connections",
            status={"const": "revoked"},
            connections={"type": "array", "items": {"$ref": "#/components/schemas/EndedConnection"}},
        ),
    }


def _registration() -> dict[str, Schema]:
    """Client registration, and this description."""
    return {
        "Registration": registration(),
        "Replacement": registration("client_id"),
        "RegisteredClient": registered(),
        "Description": {"type": "object", "required": ["openapi"], "additionalProperties": True},
    }


def _connection() -> Schema:
    """A live one."""
    statuses = [status for status in get_args(ConnectionStatus) if status != "revoked"]
    times = {"connected_at": NUMBER, "reauth_by": NUMBER, "access_expires_at": NUMBER, "default": FLAG}
    return record("connection_id provider status", "label scope", status={"enum": statuses}, use=USE, **times)


def _ended_connection() -> Schema:
    """One that was revoked, with the result for each of its tokens."""
    ending = record("token result reason", token={"enum": list(PARTS)}, result={"enum": list(get_args(Result))})
    return record(
        "connection_id provider status at_provider tokens",
        "provider_settings",
        status={"const": "revoked"},
        revoked_at={"type": ["integer", "null"]},
        at_provider={"enum": list(get_args(Result))},
        tokens={"type": "array", "items": ending},
        use=USE,
    )
