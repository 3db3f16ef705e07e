"""The Lambda entry point: creates the app over the broker of this process. No logic."""

import gc

gc.disable()  # what a cold start loads stays; looking through it for garbage is a twentieth of its time

from chalicelib.composition import ProcessBroker  # noqa: E402
from chalicelib.routes import create_app  # noqa: E402
from chalicelib.routes.schedule import add_key_schedule, add_schedule  # noqa: E402

broker = ProcessBroker()
broker.prepare()
app = create_app(broker)
jobs = add_schedule(app, broker)
keys = add_key_schedule(app, broker)
gc.freeze()
gc.enable()
