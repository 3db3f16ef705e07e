"""Connect links: another provider, another account, more scopes, for a user who is signed in."""
