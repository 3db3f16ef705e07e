"""`broker doctor`: checks this deployment, or any authorization server.

A check is one small function in the file of its group. It yields a sentence for each fault and raises `Skipped` if it
cannot tell. Its decorator states the severity, the fix and the source. No check writes, and none prints a secret.
"""
