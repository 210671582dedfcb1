"""List rates of models in the process: what a call may cost, before it is made.

A small extract of the collector's price book, made by ``spanledger_collector.price.rate_card``, and
the names by which ids find it. Standard library only; nothing is read before the first question.
"""

from spanledger.rates.card import Buckets, ModelRates, RateCard, Rates, own_rates, shipped

__all__ = ["Buckets", "ModelRates", "RateCard", "Rates", "own_rates", "shipped"]
