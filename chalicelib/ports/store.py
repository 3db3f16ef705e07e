"""All records of the two tables."""

from typing import Protocol

from chalicelib.ports.audit import AuditStore
from chalicelib.ports.clients import ClientStore
from chalicelib.ports.connections import ConnectionStore, RefreshStore
from chalicelib.ports.grants import ConsentStore, DeviceGrantStore, GrantStore, StandingGrantStore
from chalicelib.ports.jobs import JobStore
from chalicelib.ports.outcomes import Reader
from chalicelib.ports.requests import CounterStore, RequestStore, SingleUseStore
from chalicelib.ports.users import UserKeyStore, UserStore


class Store(
    Reader,
    GrantStore,
    DeviceGrantStore,
    StandingGrantStore,
    ConsentStore,
    ConnectionStore,
    RefreshStore,
    UserStore,
    UserKeyStore,
    ClientStore,
    RequestStore,
    SingleUseStore,
    CounterStore,
    AuditStore,
    JobStore,
    Protocol,
):
    """The two tables. Each method is one conditional write or one batch read; all raise StoreUnavailable."""
