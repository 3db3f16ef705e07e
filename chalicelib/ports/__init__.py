"""The interfaces between the broker and its environment: one small Protocol per need. Adapters implement them.

The names here are those that the broker needs while it runs. The rest is for annotations: import it from its module.
"""

from chalicelib.ports.broker import Broker as Broker
from chalicelib.ports.broker import Registry as Registry
from chalicelib.ports.grant_changes import Advance as Advance
from chalicelib.ports.grant_changes import DeviceDecision as DeviceDecision
from chalicelib.ports.grant_changes import DevicePoll as DevicePoll
from chalicelib.ports.grant_changes import Redemption as Redemption
from chalicelib.ports.grant_changes import Widening as Widening
from chalicelib.ports.outcomes import Items as Items
from chalicelib.ports.outcomes import ItemUnreadable as ItemUnreadable
from chalicelib.ports.outcomes import Reader as Reader
from chalicelib.ports.outcomes import Refused as Refused
from chalicelib.ports.outcomes import StoreUnavailable as StoreUnavailable
from chalicelib.ports.outcomes import Written as Written
from chalicelib.ports.process import Allowed as Allowed
from chalicelib.ports.process import Clock as Clock
from chalicelib.ports.process import Deadline as Deadline
from chalicelib.ports.process import Entropy as Entropy
from chalicelib.ports.process import Flights as Flights
from chalicelib.ports.process import Limiter as Limiter
from chalicelib.ports.process import OverLimit as OverLimit
from chalicelib.ports.process import Sleeper as Sleeper
