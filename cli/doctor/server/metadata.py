"""Does the metadata say what it has to, and offer nothing that is not to be offered any more?"""

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
    fix="Add the members; clients that check stop here.",
    source=rfc(8414, "2"),
)
def has_required(server: Server) -> Iterator[str]:
    """What the standards require is there: of every server, and more of an OpenID provider."""
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
    fix="Offer `code` alone, and name grant_types_supported without `implicit`: absent it means implicit too.",
    source=rfc(9700, "2.1.2"),
)
def offers_no_implicit(server: Server) -> Iterator[str]:
    """No access token travels through the browser's address bar."""
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
    fix="Take the password grant out: apps must not see users' passwords.",
    source=rfc(9700, "2.4"),
)
def offers_no_password(server: Server) -> Iterator[str]:
    """No grant takes the user's password."""
    if "password" in server.words("grant_types_supported"):
        yield "grant_types_supported has password"


@GROUP.check(
    "metadata-client-methods",
    "advice",
    fix="Name token_endpoint_auth_methods_supported, with `none` for apps that can keep no secret.",
    source=rfc(8414, "2"),
)
def tells_public_clients(server: Server) -> Iterator[str]:
    """Apps without a secret are told that they may come: `none` is among the ways to authenticate."""
    if "token_endpoint_auth_methods_supported" not in server.metadata:
        yield "token_endpoint_auth_methods_supported is absent, which means client_secret_basic alone"
    elif "none" not in server.words("token_endpoint_auth_methods_supported"):
        yield "token_endpoint_auth_methods_supported has no `none`"


@GROUP.check(
    "metadata-client-algorithms",
    "error",
    fix="Name token_endpoint_auth_signing_alg_values_supported, without `none`.",
    source=rfc(8414, "2"),
)
def tells_client_algorithms(server: Server) -> Iterator[str]:
    """Where clients sign their assertions, the metadata says with which algorithms."""
    if not SIGNED_METHODS & set(server.words("token_endpoint_auth_methods_supported")):
        raise Skipped("no client signs an assertion")
    if not server.words("token_endpoint_auth_signing_alg_values_supported"):
        yield "token_endpoint_auth_signing_alg_values_supported is absent"


@GROUP.check(
    "metadata-response-modes",
    "advice",
    fix="Leave `fragment` out of response_modes_supported: a code in a fragment is read by any script of the page.",
    source=rfc(9700, "4.2"),
)
def offers_no_fragment(server: Server) -> Iterator[str]:
    """A server of codes alone does not offer to send them in the fragment."""
    modes, types = server.words("response_modes_supported"), server.words("response_types_supported")
    if not modes:
        raise Skipped("response_modes_supported is absent")
    if set(types) == {"code"} and "fragment" in modes:
        yield "response_modes_supported has fragment"


@GROUP.check(
    "metadata-pkce",
    "error",
    fix="Name code_challenge_methods_supported with S256; clients cannot know otherwise, and agents go no further.",
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
    fix="Take `plain` out: it protects from nobody who sees the request.",
    source=rfc(9700, "2.1.1"),
)
def offers_no_plain(server: Server) -> Iterator[str]:
    """PKCE's `plain` is not offered."""
    if "plain" in server.words("code_challenge_methods_supported"):
        yield "code_challenge_methods_supported has plain"


@GROUP.check(
    "metadata-iss",
    "warning",
    fix="Send `iss` in every authorization response and say authorization_response_iss_parameter_supported: true.",
    source=rfc(9207, "3"),
)
def announces_iss(server: Server) -> Iterator[str]:
    """Authorization responses say whose they are, and the metadata says that they do."""
    if "authorization_endpoint" not in server.metadata:
        raise Skipped("there is no authorization endpoint")
    if server.metadata.get("authorization_response_iss_parameter_supported") is not True:
        yield "authorization_response_iss_parameter_supported is not true"
