"""Grafana dashboards over the views of a ledger, from one description.

``description.py`` says what is shown; ``sql/`` what each panel asks: one SELECT from one view,
without arithmetic but sums and their margin; ``build.py`` makes the JSON of ``grafana/`` of both,
which is committed.
"""
