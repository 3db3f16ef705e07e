"""What tests of several folders share: brokers, browsers, faults, clients; and where the repository stands."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The top of the repository."""
