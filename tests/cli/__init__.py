"""The operator's command as a process of its own, before embedded AWS."""
