"""The published description of the HTTP interface: OpenAPI 3.1, made from the routes, the structs and the constants of
the code; the descriptions are in `told.py` and `words.py`."""
