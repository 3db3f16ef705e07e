"""`broker`, the operator's command: it acts through the operator's own AWS credentials (OPS-01: there are no admin routes)."""
