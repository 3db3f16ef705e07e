"""Models of the protocol that are small enough to be walked through completely."""
