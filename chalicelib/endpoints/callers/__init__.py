"""The sender of a request: client authentication, access tokens, proofs, and rate limits."""
