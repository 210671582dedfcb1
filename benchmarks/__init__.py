"""What spanledger costs and how fast it is: figures, never tests. ``make bench`` runs all."""
