"""The hash chain over the audit records."""
