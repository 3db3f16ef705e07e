"""`broker`, the operator's command: it acts through the operator's own AWS credentials; there are no admin routes."""
