"""Parts written by others: their clients against our broker, our broker against their providers."""
