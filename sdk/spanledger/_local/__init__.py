"""Models in the memory of the application, and the GPUs they run on."""
