"""From finished spans to the collector: a queue that counts what it drops, and its one sender.

``processor.py`` holds the thread, ``backlog.py`` the queue and its counts, ``sender.py`` one
request and what its answer means (``http_sender.py`` over HTTP), ``notices.py`` what the user is
told, ``spool.py`` what is on disk meanwhile (``spooled_spans.py``: of which spans, and how they
come back), ``outlets.py`` which of these settings ask for.
"""
