"""The hand-checked bills put to other cost calculators, each in an environment of its own."""
