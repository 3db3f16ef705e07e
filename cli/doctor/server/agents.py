"""Checks that an unregistered agent (an MCP client) can sign users in."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, Source, rfc
from cli.doctor.server.token import RENAMED
from cli.doctor.server.visit import Server

GROUP = Group("Agents")
MCP = "https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization"
REGISTRATION = Source("MCP authorization, client registration", f"{MCP}#client-registration-approaches")


@GROUP.check(
    "agents-come-in",
    "advice",
    fix="Accept client ID metadata documents (in this broker: BROKER_CLIENT_ID_DOCUMENTS=true) or dynamic "
    "registration.",
    source=REGISTRATION,
)
def lets_strangers_in(server: Server) -> Iterator[str]:
    """An unregistered client can use the URL of its document as client_id, or register itself."""
    by_document = server.metadata.get("client_id_metadata_document_supported") is True
    if not by_document and not server.text("registration_endpoint"):
        yield "the metadata has neither client_id_metadata_document_supported nor registration_endpoint"


@GROUP.check(
    "agents-documents",
    "advice",
    fix="Accept client ID metadata documents, so that agents leave no registrations behind.",
    source=REGISTRATION,
)
def takes_documents(server: Server) -> Iterator[str]:
    """If unregistered clients are accepted, they may use the URL of their document."""
    if not server.text("registration_endpoint"):
        raise Skipped("there is no dynamic registration")
    if server.metadata.get("client_id_metadata_document_supported") is not True:
        yield "client_id_metadata_document_supported is not true"


@GROUP.check(
    "agents-public",
    "warning",
    fix="Offer `none` in token_endpoint_auth_methods_supported: a document holds no secret.",
    source=REGISTRATION,
)
def lets_documents_be_public(server: Server) -> Iterator[str]:
    """Clients with a document can authenticate: `none` or private_key_jwt is offered."""
    if server.metadata.get("client_id_metadata_document_supported") is not True:
        raise Skipped("client documents are not supported")
    if not {"none", "private_key_jwt"} & set(server.words("token_endpoint_auth_methods_supported")):
        yield "neither none nor private_key_jwt is offered"


@GROUP.check(
    "resource-metadata",
    "error",
    fix="Set `resource` to the issuer, and list the issuer in authorization_servers.",
    source=rfc(9728, "3.3"),
)
def describes_resource(server: Server) -> Iterator[str]:
    """Its protected resource metadata names itself and the issuer."""
    document = server.resource.document
    if document.get("resource") != server.issuer:
        yield f"resource is {document.get('resource')!r}"
    servers = document.get("authorization_servers")
    if not isinstance(servers, list) or server.issuer not in servers:
        yield "authorization_servers does not name the issuer"


@GROUP.check(
    "resource-bearer",
    "warning",
    fix='Set "bearer_methods_supported": ["header"].',
    source=rfc(9700, "4.3.2"),
)
def takes_no_query_token(server: Server) -> Iterator[str]:
    """It accepts no access token in the URL."""
    methods = server.resource.document.get("bearer_methods_supported")
    if isinstance(methods, list) and "query" in methods:
        yield "bearer_methods_supported has query"


@GROUP.check(
    "resource-challenge",
    "advice",
    fix='Add resource_metadata="URL" to WWW-Authenticate; agents start there.',
    source=rfc(9728, "5.1"),
)
def points_to_metadata(server: Server) -> Iterator[str]:
    """A response to a request without a token links to that metadata."""
    _ = server.resource
    answer = server.userinfo()
    told = answer.header("www-authenticate") or answer.header(RENAMED)
    if "resource_metadata=" not in told:
        yield "WWW-Authenticate of the userinfo endpoint has no resource_metadata"
