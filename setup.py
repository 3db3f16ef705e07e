"""What `pip install` takes of this repository: the package for the tests of apps and, inside of it under names that are
in nobody's way, the broker that it runs. What is deployed is another thing: `dev.py package`."""

from setuptools import find_namespace_packages, setup

INSIDE = "token_broker_testing._broker"
ROOMS = find_namespace_packages(
    include=["chalicelib*", "cli*", "infra", "local*", "demo*", "clients*"], exclude=["*__pycache__*", "*node_modules*"]
)

setup(
    packages=["token_broker_testing", *(f"{INSIDE}.{room}" for room in ROOMS)],
    package_dir={INSIDE: "."},
    package_data={"": ["*"]},
)
