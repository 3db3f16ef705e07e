"""Objects of one process: clock, random source, log, rate limits, and circuit breakers."""
