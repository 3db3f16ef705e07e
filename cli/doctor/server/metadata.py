"""Checks that the metadata has all required members and offers nothing obsolete."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, Source, rfc
from cli.doctor.server.visit import Server

GROUP = Group("Metadata")
OIDC_METADATA = Source(
    "OpenID Connect Discovery section 3", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata"
)
REQUIRED = ("issuer", "response_types_supported")
REQUIRED_OF_OPENID = ("authorization_endpoint", "jwks_uri", "subject_types_supported")
OPENID_ALGORITHMS = "id_token_signing_alg_values_supported"
SIGNED_METHODS = {"private_key_jwt", "client_secret_jwt"}


@GROUP.check(
    "metadata-required",
    "error",
    fix="Add the members. Strict clients stop here.",
    source=rfc(8414, "2"),
)
def has_required(server: Server) -> Iterator[str]:
    """All required members are present, including those of OpenID providers."""
    wanted = (*REQUIRED, *REQUIRED_OF_OPENID, OPENID_ALGORITHMS) if server.is_openid else REQUIRED
    if "authorization_code" in server.words("grant_types_supported"):
        wanted = (*wanted, "authorization_endpoint", "token_endpoint")
    missing = [name for name in dict.fromkeys(wanted) if not server.metadata.get(name)]
    if missing:
        yield f"{', '.join(missing)} not there"


@GROUP.check(
    "metadata-types",
    "error",
    fix="Make every *_supported that is a list a list of strings, and every endpoint a string.",
    source=rfc(8414, "2"),
)
def has_types(server: Server) -> Iterator[str]:
    """Members have their types: endpoints are strings, what is supported is a list of strings or true or false."""
    for name, value in sorted(server.metadata.items()):
        if name.endswith(("_endpoint", "_uri")) or name == "issuer":
            good = isinstance(value, str)
        elif name.endswith("_supported"):
            good = isinstance(value, bool) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
        else:
            continue
        if not good:
            yield f"{name} has the wrong type"


@GROUP.check(
    "metadata-implicit",
    "warning",
    fix="Offer only `code`, and set grant_types_supported without `implicit`. If it is absent, implicit is assumed.",
    source=rfc(9700, "2.1.2"),
)
def offers_no_implicit(server: Server) -> Iterator[str]:
    """No access token is sent in the URL of the browser."""
    types = [one for one in server.words("response_types_supported") if "token" in one.split()]
    if types:
        yield f"response_types_supported has {', '.join(types)}"
    if "grant_types_supported" not in server.metadata:
        yield "grant_types_supported is absent, which means authorization_code and implicit"
    elif "implicit" in server.words("grant_types_supported"):
        yield "grant_types_supported has implicit"


@GROUP.check(
    "metadata-password",
    "error",
    fix="Remove the password grant: apps must not see users' passwords.",
    source=rfc(9700, "2.4"),
)
def offers_no_password(server: Server) -> Iterator[str]:
    """No grant uses the user's password."""
    if "password" in server.words("grant_types_supported"):
        yield "grant_types_supported has password"


@GROUP.check(
    "metadata-client-methods",
    "advice",
    fix="Set token_endpoint_auth_methods_supported, with `none` for public clients.",
    source=rfc(8414, "2"),
)
def tells_public_clients(server: Server) -> Iterator[str]:
    """Public clients are supported: `none` is among the authentication methods."""
    if "token_endpoint_auth_methods_supported" not in server.metadata:
        yield "token_endpoint_auth_methods_supported is absent, which means only client_secret_basic"
    elif "none" not in server.words("token_endpoint_auth_methods_supported"):
        yield "token_endpoint_auth_methods_supported has no `none`"


@GROUP.check(
    "metadata-client-algorithms",
    "error",
    fix="Set token_endpoint_auth_signing_alg_values_supported, without `none`.",
    source=rfc(8414, "2"),
)
def tells_client_algorithms(server: Server) -> Iterator[str]:
    """If clients sign assertions, the metadata lists the algorithms."""
    if not SIGNED_METHODS & set(server.words("token_endpoint_auth_methods_supported")):
        raise Skipped("no client signs an assertion")
    if not server.words("token_endpoint_auth_signing_alg_values_supported"):
        yield "token_endpoint_auth_signing_alg_values_supported is absent"


@GROUP.check(
    "metadata-response-modes",
    "advice",
    fix="Remove `fragment` from response_modes_supported: any script of the page can read a code in a fragment.",
    source=rfc(9700, "4.2"),
)
def offers_no_fragment(server: Server) -> Iterator[str]:
    """A server that issues only codes does not offer the response mode fragment."""
    modes, types = server.words("response_modes_supported"), server.words("response_types_supported")
    if not modes:
        raise Skipped("response_modes_supported is absent")
    if set(types) == {"code"} and "fragment" in modes:
        yield "response_modes_supported has fragment"


@GROUP.check(
    "metadata-pkce",
    "error",
    fix="Set code_challenge_methods_supported with S256. Without it, agents stop.",
    source=rfc(9700, "2.1.1"),
)
def offers_pkce(server: Server) -> Iterator[str]:
    """PKCE with S256 is announced."""
    if "authorization_endpoint" not in server.metadata:
        raise Skipped("there is no authorization endpoint")
    if "S256" not in server.words("code_challenge_methods_supported"):
        yield "code_challenge_methods_supported has no S256"


@GROUP.check(
    "metadata-pkce-plain",
    "warning",
    fix="Remove `plain`: it gives no protection if the request is seen.",
    source=rfc(9700, "2.1.1"),
)
def offers_no_plain(server: Server) -> Iterator[str]:
    """PKCE's `plain` is not offered."""
    if "plain" in server.words("code_challenge_methods_supported"):
        yield "code_challenge_methods_supported has plain"


@GROUP.check(
    "metadata-iss",
    "warning",
    fix="Send `iss` in every authorization response and set authorization_response_iss_parameter_supported: true.",
    source=rfc(9207, "3"),
)
def announces_iss(server: Server) -> Iterator[str]:
    """Authorization responses have iss, and the metadata announces it."""
    if "authorization_endpoint" not in server.metadata:
        raise Skipped("there is no authorization endpoint")
    if server.metadata.get("authorization_response_iss_parameter_supported") is not True:
        yield "authorization_response_iss_parameter_supported is not true"
