"""Browser sessions of apps (OAuth 2.0 for Browser-Based Apps section 6.1): a page has a cookie and no token.

The broker is the backend for that frontend. The cookie contains a handle of a grant. Calls to the operator's own API
and to providers go through the broker, and the credentials that it adds are never returned.
"""
