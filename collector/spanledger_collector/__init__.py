"""The spanledger collector: OTLP in, priced agent unit economics in ClickHouse out.

Folder = stage: ``receive -> journal -> load -> settle``, with ``price`` beside them, ``store`` and
``sql`` below, ``query``, ``serve`` and ``cli`` above. Stages never import each other; ``pipeline``
wires them.
"""
