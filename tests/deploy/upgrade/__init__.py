"""The previous release and this one on one table: what either writes the other reads."""
