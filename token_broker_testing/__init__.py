"""For the tests of an app: a broker that runs, with two providers that are played (docs/your-tests.md)."""

from token_broker_testing.running import Client, Refused, RunningBroker, start

__all__ = ["Client", "Refused", "RunningBroker", "start"]
