"""A user's own page: who sees what, and what each button does."""
