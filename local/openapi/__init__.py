"""The published description of the HTTP interface: OpenAPI 3.1, made from the routes, the structs and the constants of
the code; what only people can say stands in `told.py` and `words.py`."""
