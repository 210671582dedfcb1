"""Wrappers on the methods of other libraries: found, put on, taken off."""
