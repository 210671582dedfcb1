"""The demonstration: a simulated provider, a multi-agent program, and the script of its answers."""
