"""Browser sessions of apps (OAuth 2.0 for Browser-Based Apps section 6.1): a page holds a cookie and no token.

The broker is the backend for that frontend. The cookie is itself a handle of a grant; calls to the team's own API and
to providers go through here, and what is added to them never comes back.
"""
