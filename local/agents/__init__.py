"""Agents that people use today, simulated from data files at an MCP server behind the broker."""
