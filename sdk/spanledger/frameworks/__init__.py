"""One file an agent framework: which public methods run an agent, a tool or a workflow.

A file exposes ``FRAMEWORK``. It imports neither the framework nor another file here, and it is
under the contract tests as soon as it exists.
"""
