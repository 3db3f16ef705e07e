"""One protocol endpoint per file: load, decide, apply, answer. Each takes broker and request, and gives a Reply."""
