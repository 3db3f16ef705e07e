"""The callback: a provider's authorization response, for every kind of sign-in."""
