"""What `demo` and `serve` store between two starts: the items and keys of the local AWS, and simulated providers."""
