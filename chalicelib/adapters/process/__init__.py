"""What one process holds: clock, random source, log, limits, and circuit breakers."""
