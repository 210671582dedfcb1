"""The collector, whole: the only package that knows all the stages.

::

    receive ──accept──> journal ──read──> load ──> spans ──> settle ──> attempts, runs
       (event loop)     (committer thread)  (thread)           (thread)
                                   price ──publish──> prices, resolve ──> settle
                                   query <── serve (API, SQL) on threads of its own

``collector`` holds the ports and the journal, ``engine`` everything that touches ClickHouse,
``metrics`` what the stages tell Prometheus through the pipeline.
"""

from spanledger_collector.pipeline.collector import Collector, Ports

__all__ = ["Collector", "Ports"]
