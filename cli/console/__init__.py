"""`broker console`: the operator's commands as a local web page, with no rules of its own. It never ships to Lambda."""
