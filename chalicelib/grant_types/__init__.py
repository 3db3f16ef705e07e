"""One grant_type per file; none imports another. The token endpoint runs the shared steps once, in the RFC's order, and
calls `answer`; a grant fills the gap and cannot forget a step."""
