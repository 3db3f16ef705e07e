"""One protocol endpoint per file: load, decide, apply, answer. Each takes the broker and a parsed request and gives a Reply."""
