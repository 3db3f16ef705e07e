"""The authorization endpoint, from the request to the code: request, consent page, provider, user, grant, response."""
