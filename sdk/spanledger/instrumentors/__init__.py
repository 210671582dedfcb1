"""One file a client library: what is patched there and how its answers are read.

A file exposes ``INSTRUMENTOR``. It imports neither the client nor another instrumentor, and it is
under the contract tests as soon as it exists.
"""
