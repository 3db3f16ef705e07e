"""What the broker costs beside the sum of its fixed parts. Ratios are what counts; no time is ever asserted."""
