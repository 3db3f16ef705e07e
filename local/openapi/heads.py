"""HEAD, described by its GET: the same response without its body (RFC 9110 section 9.3.2)."""

from msgspec.structs import replace

from local.openapi.operations import Said


def with_heads(operations: dict[str, Said], names: set[str]) -> dict[str, Said]:
    """The operations, and HEAD of each path that has a GET and a HEAD that has no description of its own."""
    heads = {name: name.replace("HEAD ", "GET ", 1) for name in names - set(operations) if name.startswith("HEAD ")}
    described = {name: operations[get] for name, get in heads.items() if get in operations}
    return operations | {
        name: replace(said, summary=f"The headers of GET. {said.summary}", gives=dict.fromkeys(said.gives, ""))
        for name, said in described.items()
    }
