"""Keysets: wrapped by KMS, stored in the table, decrypted in memory."""
