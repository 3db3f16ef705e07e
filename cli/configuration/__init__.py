"""A deployment's clients, providers, APIs and settings as one file: docs/apply.md."""
