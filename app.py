"""The Lambda entry point: creates the app over the broker of this process. No logic."""

from chalicelib.composition import ProcessBroker
from chalicelib.routes import create_app

broker = ProcessBroker()
broker.prepare()
app = create_app(broker)
