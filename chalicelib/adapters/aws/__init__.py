"""Calls to AWS: signing, connections, and the EventBridge log."""
