"""What was asked to be settled again (``settle_requests``), piece by piece.

A piece is what one settlement can work on. What arrives is settled between two pieces, and how far
a request came stands in the ledger, so that a collector that is killed, or another one, goes on
from there.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from spanledger_collector import sql
from spanledger_collector.store import Connection
from spanledger_collector.store.settle_requests import SettleRequest, keep_request, open_requests

from .settlement import TraceKey


class Piece(NamedTuple):
    """The next traces of a request; none = it is done."""

    request: SettleRequest
    traces: Sequence[TraceKey]


class Requested:
    """What one collector does of the requests.

    Args:
        journal_id: names the collector.
    """

    def __init__(self, journal_id: str) -> None:
        self._journal_id = journal_id
        #: Traces of all requests that are to be settled again, as they stood at the last look.
        self.left = 0

    def piece(self, connection: Connection, *, max_traces: int, max_spans: int) -> Piece | None:
        """The next piece to settle; None = there is nothing, or others are at it.

        Args:
            connection: of the calling thread.
            max_traces: most traces of it.
            max_spans: most spans of several.
        """
        requests = open_requests(connection, self._journal_id)
        self.left = sum(max(one.traces - one.settled, 0) for one in requests)
        request = next((one for one in requests if one.is_free), None)
        if request is None or not self._holds(connection, request):
            return None
        rows = connection.rows(
            sql.read("transforms/requested_traces.sql"),
            {**request.parameters(), "limit": max_traces},
        )
        traces: list[TraceKey] = []
        spans = 0
        for row in rows:
            spans += cast("int", row["span_count"])
            if traces and spans > max_spans:
                break
            traces.append(TraceKey(str(row["workspace"]), str(row["trace_id"])))
        return Piece(request, traces)

    def settled(self, connection: Connection, piece: Piece) -> None:
        """Keep that a piece is settled."""
        request, traces = piece
        if not traces:
            keep_request(connection, request, holder="", is_done=True)
            self.left -= max(request.traces - request.settled, 0)
            return
        workspace, trace_id = traces[-1]
        reached = replace(
            request,
            settled=request.settled + len(traces),
            after_workspace=workspace,
            after_trace=trace_id,
        )
        keep_request(connection, reached, holder=self._journal_id)
        self.left = max(self.left - len(traces), 0)

    def _holds(self, connection: Connection, request: SettleRequest) -> bool:
        """Take a request that is free; whether it was not taken by another at the same time."""
        if request.holder == self._journal_id:
            return True
        keep_request(connection, request, holder=self._journal_id)
        held = open_requests(connection, self._journal_id)
        return any(
            one.request_id == request.request_id and one.holder == self._journal_id for one in held
        )
