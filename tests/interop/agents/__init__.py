"""Agents (MCP clients) at a server that the broker protects."""
