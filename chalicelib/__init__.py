"""The token broker.

Rooms, from the outside in: routes, composition, config, adapters, endpoints, grant_types, access, issuing, ports and
replies, vault, pages, upstream, providers, protocol, records. Each imports only what stands below it.
"""
