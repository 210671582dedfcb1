"""What ``training`` stands on: callbacks, FLOPs of steps, processes."""
