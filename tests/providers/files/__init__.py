"""Values in provider files: the operator's variables, the metadata of connections, and all that is filled with them."""
