"""What the broker keeps for users at third parties, and everything that is done with it.

Reached (`reaching`), lent (`lending`), refreshed once (`renewing`, `keeping`), ended there (`revoking`, `duties`,
`jobs`, `idling`, `erasing`), connected by links (`linking`). What is decided from values alone is in
`vault/`. Beside it, a duty like the others: apps are told that a session has ended (`signing_out`).
"""
