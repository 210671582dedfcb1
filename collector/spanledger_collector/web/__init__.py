"""The web pages of a collector, under ``/ui`` of the API port: drawn by the server, offline.

::

    app.py        one request: filters of the URL ──> a page ──> HTML, or one of its tables as CSV
    asked.py      period, agent, version, tenant: in the URL, and links that keep them
    pages/        one page a file: asks the ``Ledger``, names what is shown; computes no figure
    parts.py      what a page is made of: figures, tables, charts, notes
    table.py      columns of typed rows as cells; csvfile.py the same as CSV
    figures.py    numbers as people read them
    charts/       places and sizes on a drawing, from figures
    templates/    HTML of the parts; static/ one stylesheet, one script, one library of charts

Every figure is one that a named query or the Python API gives. Names come from telemetry: templates
escape all they print, and the Content-Security-Policy leaves a page no script but ours.
"""

from .app import Guarded, Web

__all__ = ["Guarded", "Web"]
