"""Whole sign-ins over real HTTP: the real edge, store, vault and fetcher before moto and the demo provider."""
