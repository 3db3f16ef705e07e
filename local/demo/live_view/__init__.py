"""The live view of the demo: its server, and visits and attacks that it starts."""
