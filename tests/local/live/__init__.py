"""The live view: what it shows of what was captured, and what it never shows."""
