"""The error codes that a token endpoint answers with, and which of them say that nothing has happened."""

# RFC 6749 section 5.2: the request was refused, so the token that it presented is not used up.
REFUSALS = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
    | {"invalid_scope"}
)
# What a file may translate a provider's own words into: these too say "refused, nothing has happened" then.
REGISTERED_ERRORS = REFUSALS | {"access_denied", "temporarily_unavailable"}
