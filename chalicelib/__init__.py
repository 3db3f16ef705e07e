"""The token broker.

Modules and packages, from the outside in: routes, composition, config, adapters, endpoints, grant_types, jobs, vault,
access_token_check, token_issuer, ports and responses, pages, upstream, providers, protocol, records. Each imports only
what follows it in this list; pyproject.toml has the complete contract.
"""
