"""Engines that run a model in the application's own process: one file an engine.

They are no clients of anybody: nothing is billed by the token, so what is told is tokens, physics
(FLOPs of the architecture at hand, memory of its weights as they lie) and the time of the devices,
which the collector prices (docs/gpu.md). No file imports its engine or torch: they are looked up
only where the application has imported them.
"""
