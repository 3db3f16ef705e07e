"""Keysets: wrapped by KMS, stored in the table, opened in memory."""
