"""What the collector shows: the JSON/Arrow API, guarded SQL, health and metrics."""
