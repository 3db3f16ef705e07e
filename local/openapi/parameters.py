"""What each parameter is: one sentence and a schema, whichever endpoints take it."""

from typing import Any, get_args

from chalicelib.protocol.authorization_request import MAX_NONCE_LENGTH, MAX_RESOURCES, MAX_SCOPE_LENGTH, PROMPTS
from chalicelib.protocol.client_assertion import ASSERTION_TYPE
from chalicelib.protocol.parameters import MAX_PARAMETER_BYTES, MAX_STATE_BYTES
from chalicelib.records.client import ResponseMode

Schema = dict[str, Any]
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def text(says: str, **more: Any) -> Schema:
    """A string, as long as any parameter may be."""
    return {"type": "string", "description": says, "maxLength": MAX_PARAMETER_BYTES, **more}


def words(says: str, *values: str) -> Schema:
    """One of a few."""
    return {"type": "string", "description": says, "enum": list(values)}


def several(says: str, **more: Any) -> Schema:
    """A parameter that may come more than once."""
    return {"type": "array", "description": says, "items": {"type": "string"}, **more}


PARAMETERS: dict[str, Schema] = {
    "act": text("The button that was pressed.", examples=["sign_in demo"]),
    "access_token": text("Not read: the token comes in the header Authorization."),
    "acr_values": text(
        "Authentication contexts, passed to a provider that knows them; `acr` has the one that it reports."
    ),
    "actor_token": text("An access token of the client's own, by which it acts for the app of the subject_token."),
    "actor_token_type": words("The only kind that is taken; with actor_token alone.", ACCESS_TOKEN),
    "audience": several(
        "A provider's id, or a connection's, for its token: exactly one.", maxItems=1, examples=[["demo"]]
    ),
    "claims": text("Claims that the ID token is to carry, as JSON.", examples=['{"id_token":{"name":null}}']),
    "client_assertion": text("A JWT signed with the client's key (private_key_jwt, RFC 7523)."),
    "client_assertion_type": words("Says that client_assertion is a JWT.", ASSERTION_TYPE),
    "client_id": text("The client, unless the header Authorization names it.", examples=["0" * 32]),
    "client_secret": text("The client's secret (client_secret_post)."),
    "code": text("The authorization code, good once.", examples=["tbc_1"]),
    "code_challenge": text("SHA-256 of the code_verifier, base64url (RFC 7636).", examples=[CHALLENGE]),
    "code_challenge_method": words("How the challenge was made.", "S256"),
    "code_verifier": text("What the challenge was made of.", minLength=43, maxLength=128, examples=[VERIFIER]),
    "decision": text("The button that was pressed.", examples=["allow"]),
    "device_code": text("The device's code, good once.", examples=["tbd_1"]),
    "dpop_jkt": text("Thumbprint of the one key whose proof redeems the code (RFC 9449 section 10)."),
    "ends": words("Whether everything allowed ends automatically after 24 hours.", "in_a_day"),
    "error": text("Why the provider gave no code."),
    "grant_type": text("The kind of grant that is exchanged for a token."),
    "id_token_hint": text("An ID token of the broker for the expected user; at /logout only in a form."),
    "iss": text("The provider's issuer (RFC 9207)."),
    "login_hint": text("The user to sign in, passed on to a provider that has such a parameter."),
    "logout_hint": text("Ignored; the user of the browser is asked."),
    "max_age": {
        "type": "string",
        "description": "Seconds since the sign-in.",
        "pattern": "^[0-9]{1,9}$",
    },
    "nonce": text("Comes back in the ID token.", maxLength=MAX_NONCE_LENGTH, examples=["n-0S6_WzA2Mj"]),
    "origin": text("Which of the app's origins, where it has several.", examples=["https://app.example"]),
    "post_logout_redirect_uri": text("Where to return to; registered, byte for byte."),
    "prompt": text(f"Of {', '.join(sorted(PROMPTS))}; `none` excludes the others.", examples=["select_account"]),
    "provider": text("The provider to sign in with; without it, the user chooses.", examples=["demo"]),
    "redirect_uri": text(
        "Where the answer goes; registered, byte for byte.", examples=["https://app.example/callback"]
    ),
    "refresh_token": text("The newest refresh token; each is good once.", examples=["tbr_1"]),
    "request": text("In our forms what they carry; a request object is refused."),
    "requested_token_type": words("The only kind that is handed out.", ACCESS_TOKEN),
    "request_uri": text("A reference that POST /par has answered.", examples=["urn:ietf:params:oauth:request_uri:1"]),
    "resource": several(
        "For which API the token is (RFC 8707).", maxItems=MAX_RESOURCES, examples=[["https://api.example"]]
    ),
    "response_mode": words("How the answer comes.", *get_args(ResponseMode)),
    "response_type": words("The only flow there is.", "code"),
    "return_to": text("The path at the app where its user goes on.", examples=["/notes"]),
    "scope": text("Scopes, each once, a space between them.", maxLength=MAX_SCOPE_LENGTH, examples=["openid profile"]),
    "state": text("Comes back as it is.", maxLength=MAX_STATE_BYTES, examples=["af0ifjsldkj"]),
    "subject_token": text(
        "An access token of the broker for this client; with actor_token, for an app that it acts for."
    ),
    "subject_token_type": words("The only kind that is taken.", ACCESS_TOKEN),
    "token": text("The token to examine or revoke.", examples=["tbr_1"]),
    "token_type_hint": text("Ignored: a token says itself what it is."),
    "ui_locales": text(
        "Languages of the pages, the most wanted first; also passed on to the provider.", examples=["de en"]
    ),
    "user_code": text("What the device shows.", examples=["WDJB-MJHT"]),
    "q": text("Words that an app's name, host, provider or account contains.", examples=["notes"]),
}
HEADERS: dict[str, Schema] = {
    "Accept": text("application/token-introspection+jwt for a signed answer.", examples=["application/json"]),
    "Broker-Bff": words("Says that a script of the app's page calls.", "1"),
    "Broker-Connection": text("The connection to call by, where a user has several."),
    "Broker-Host": text("Another host of the provider's API, as its file lists it."),
    "DPoP": text("A proof of possession of a key (RFC 9449).", maxLength=8192),
}
PATHS: dict[str, Schema] = {
    "client_id": {"type": "string", "description": "The client itself.", "examples": ["0" * 32]},
    "connection_id": {"type": "string", "description": "One of GET /connections.", "examples": ["0" * 32]},
    "elsewhere": {"type": "string", "description": "Any path without an endpoint.", "examples": ["nowhere"]},
    "issuer_path": {"type": "string", "description": "Of an issuer that has one.", "examples": ["tenant"]},
    "app": {"type": "string", "description": "Of the list of apps, in one browser session.", "examples": ["0" * 32]},
    "account": {"type": "string", "description": "Of the list of accounts there.", "examples": ["0" * 32]},
    "link": {"type": "string", "description": "The sealed link of a connect_uri.", "examples": ["x"]},
    "path": {
        "type": "string",
        "description": "At the API, slashes as they are.",
        "examples": ["notes"],
    },
    "provider_id": {"type": "string", "description": "The provider.", "examples": ["demo"]},
}
