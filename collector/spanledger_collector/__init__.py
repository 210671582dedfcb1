"""The spanledger collector: OTLP in, priced agent unit economics in ClickHouse out.

Folder = stage: ``receive -> journal -> load -> settle``, with ``price`` beside them, ``store`` and
``sql`` below, ``query``, ``serve`` and ``cli`` above. Stages never import each other; ``pipeline``
wires them.
"""

import os

# The gRPC library writes what peers send (the text of a GOAWAY, line ends included) into our log,
# at a level that is on by default. It reads this when it is first imported.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
