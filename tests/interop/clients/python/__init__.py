"""One module per Python library; a function per flow, told nothing of the broker but its issuer."""
