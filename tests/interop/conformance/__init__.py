"""What the OpenID Foundation's conformance suite asks of a provider, asked here: a test for each of its modules."""
