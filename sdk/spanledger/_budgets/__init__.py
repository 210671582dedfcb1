"""What ``budgets`` stands on: accounts, what a call reserves, what it pays."""
