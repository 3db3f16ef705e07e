"""`broker doctor`: is this deployment, or any authorization server, as it should be?

A check is one small function in the file of its group: it yields a sentence for each fault that it sees, nothing where
all is well, and raises `Skipped` where it cannot tell. Around it stands what the reader needs: how bad it is, what
mends it, and who says so. Nothing here writes, and no secret is ever printed.
"""
