"""Mixed traffic at real processes that are killed, frozen, throttled and lied to; a checker reads what was answered."""
