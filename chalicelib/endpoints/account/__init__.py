"""My access: the page on which users see and revoke what apps may do."""
