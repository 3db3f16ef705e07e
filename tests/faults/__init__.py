"""The refresh engine of the vault against a provider that plays every profile."""
