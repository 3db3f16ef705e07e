"""An MCP server that a token broker protects: `guard.py` is the part to copy, `notes.py` a small server with it."""
