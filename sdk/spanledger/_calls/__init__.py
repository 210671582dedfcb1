"""The life of one model call: asked, answered or failed, and what is told of it."""
