"""The one door to ClickHouse: embedded, one server, or a cluster, with the same SQL.

``address`` reads a DSN, ``store`` opens it and gives connections, ``connection`` runs statements,
``failures`` turns the driver's errors into ours, ``migrations`` brings a database to this version's
schema, ``cluster`` prints that schema for a cluster.
"""

from .cluster import schema_ddl
from .connection import Connection, Encoded
from .migrations import migrate, parametrized_views
from .per_thread import ThreadConnections
from .store import Store

__all__ = [
    "Connection",
    "Encoded",
    "Store",
    "ThreadConnections",
    "migrate",
    "parametrized_views",
    "schema_ddl",
]
