"""What runs are worth where nobody recorded an amount: the operator's dated rules.

``document`` reads and checks the file, ``publish`` appends what changed to the ledger's table
``value_rules``. Which rule a run gets and what it is worth by it is arithmetic/value.sql.
"""

from .document import ValueRule, read_rules
from .publish import publish

__all__ = ["ValueRule", "publish", "read_rules"]
