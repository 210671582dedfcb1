"""Wire formats that several clients share, or that one client needs more than a file for."""
