"""Why the broker refused a request: the registry of reasons, the log, and the words for both."""
