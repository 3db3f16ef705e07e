"""`broker provider test`: a provider file tried from sign-in to revocation, offline, through the real HTTP edge."""
