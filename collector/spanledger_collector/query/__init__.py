"""Typed reads of the ledger: the Python API, and what the CLI and the JSON API stand on.

``Ledger.connect(address)`` reads through a running collector (``spanledger://host:4319``) or from
ClickHouse directly (``chdb:///path``, ``http(s)://...``); both give the same rows.
"""

from .agent_figures import AgentFigures
from .agent_report import AgentReport
from .agent_sums import AgentSums
from .arguments import checked
from .asset_rows import AssetChargeRow, AssetEntryRow, AssetRow, AssetShareRow, AssetUseRow
from .assets import Assets
from .breakdown_rows import AttemptsRow, CostPathRow, EconomicsRow, PriceUsedRow
from .breakdowns import Breakdowns, Slice
from .comparison import Compared, ComparisonReport
from .economics import AgentEconomics, GroupBy
from .energy_rows import EnergyRow
from .engine_rows import EngineMinuteRow, EngineRow
from .estimates import Estimate
from .explanation import OTHER_TIER, ChargeLineRow, ExplainedAttemptRow, Explanation
from .frontier import FrontierPoint
from .hosting import Hosting
from .ledger import DEFAULT_ADDRESS, Guard, Ledger
from .named import NamedQuery, named, query_names
from .origins import AttemptBehindRow, Behind, ModelsBehindRow
from .parsing import parse_rows
from .payback import BreakEven, Payback
from .plain import plain_rows
from .pool_rows import PoolRow
from .quality import QualityBy, QualityCost
from .reader import DirectReader, Reader, Row
from .recording import Recorded, Rejected
from .records import UnplacedAmountRow, UnplacedRecordRow, waiting
from .remaining_life import RemainingLife
from .remote import RemoteReader
from .repricing import By, RepricedRow, Scenario
from .rework import ReworkBy, ReworkRate, ReworkReasonRow, ReworkReport
from .row_types import ROW_TYPES
from .rows import (
    AgentRow,
    AttemptRow,
    ChargeRow,
    CoverageRow,
    ModelRow,
    RecordRow,
    RunRow,
    SpanRow,
    TraceReport,
    TraceRow,
    ValueRuleRow,
)
from .settling import Settling
from .sum_figures import SumFigures
from .sustainability import Sustainability, Sustainable
from .what_if import WhatIf, WhatIfReport
from .window_rows import EarnedByRow, SpentByRow

__all__ = [
    "DEFAULT_ADDRESS",
    "OTHER_TIER",
    "ROW_TYPES",
    "AgentEconomics",
    "AgentFigures",
    "AgentReport",
    "AgentRow",
    "AgentSums",
    "AssetChargeRow",
    "AssetEntryRow",
    "AssetRow",
    "AssetShareRow",
    "AssetUseRow",
    "Assets",
    "AttemptBehindRow",
    "AttemptRow",
    "AttemptsRow",
    "Behind",
    "BreakEven",
    "Breakdowns",
    "By",
    "ChargeLineRow",
    "ChargeRow",
    "Compared",
    "ComparisonReport",
    "CostPathRow",
    "CoverageRow",
    "DirectReader",
    "EarnedByRow",
    "EconomicsRow",
    "EnergyRow",
    "EngineMinuteRow",
    "EngineRow",
    "Estimate",
    "ExplainedAttemptRow",
    "Explanation",
    "FrontierPoint",
    "GroupBy",
    "Guard",
    "Hosting",
    "Ledger",
    "ModelRow",
    "ModelsBehindRow",
    "NamedQuery",
    "Payback",
    "PoolRow",
    "PriceUsedRow",
    "QualityBy",
    "QualityCost",
    "Reader",
    "RecordRow",
    "Recorded",
    "Rejected",
    "RemainingLife",
    "RemoteReader",
    "RepricedRow",
    "ReworkBy",
    "ReworkRate",
    "ReworkReasonRow",
    "ReworkReport",
    "Row",
    "RunRow",
    "Scenario",
    "Settling",
    "Slice",
    "SpanRow",
    "SpentByRow",
    "SumFigures",
    "Sustainability",
    "Sustainable",
    "TraceReport",
    "TraceRow",
    "UnplacedAmountRow",
    "UnplacedRecordRow",
    "ValueRuleRow",
    "WhatIf",
    "WhatIfReport",
    "checked",
    "named",
    "parse_rows",
    "plain_rows",
    "query_names",
    "waiting",
]
