"""What the user decides: the consent page, its form, and the record of it."""
