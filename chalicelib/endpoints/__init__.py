"""One protocol endpoint per file: load, decide, apply, respond. Each takes broker and request."""
