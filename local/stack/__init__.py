"""The broker on this machine: an embedded AWS, a gateway like API Gateway, ports, and shutdown."""
