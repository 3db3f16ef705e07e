"""Options of `broker client create` and `update`, one file per subject."""
