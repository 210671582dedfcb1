"""Added time per call of other instrumentations, side by side with ours."""
