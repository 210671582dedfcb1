"""What agent frameworks have in common; a file for each stands in ``frameworks``."""
