"""The user's decision: the consent page, its form, and the stored consent."""
