"""Named query -> the typed rows that its answer is read as.

Several types read different columns of the same rows; a column that none of them names is read by
nobody but users of the JSON and Arrow API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .agent_figures import AgentMomentsRow
from .agent_report import ElsewhereRow
from .agent_sums import AgentSums
from .asset_rows import (
    AssetChargeRow,
    AssetEntryRow,
    AssetPeriodRow,
    AssetRow,
    AssetShareRow,
    AssetUseRow,
)
from .breakdown_rows import AttemptsRow, CostPathRow, EconomicsRow, PriceUsedRow
from .energy_rows import EnergyRow
from .engine_rows import EngineMinuteRow, EngineRow
from .explanation import ChargeLineRow, ExplainedAttemptRow, SpanPlaceRow
from .frontier_rows import FrontierRow, FrontierTracesRow
from .hosting import TokenCallsRow
from .mix import MixRow
from .moments import AgentTracesRow, MomentsRow, MoneyMoments, MoneyTracesRow
from .operations import ModelOperationsRow
from .origins import AttemptBehindRow, ModelsBehindRow
from .own_gpus import GpuHostRow, GpuOfferRow
from .payback import ContributionRow, VersionRow
from .pool_rows import PoolRow
from .quality import QualityCostRow
from .records import UnplacedAmountRow, UnplacedRecordRow
from .repricing import RepricedRow
from .rework import ReworkRateRow, ReworkReasonRow
from .rows import (
    AgentRow,
    AttemptRow,
    ChargeRow,
    CoverageRow,
    ModelRow,
    RecordRow,
    RunRow,
    SpanRow,
    TraceRow,
    ValueRuleRow,
)
from .sum_figures import TraceMomentsRow
from .what_if import ReworkEndsRow, SavingRow
from .window_rows import EarnedByRow, SpentByRow

#: A query that is not here is read row by row, without a type.
ROW_TYPES: Final[Mapping[str, Sequence[type]]] = {
    "agent_elsewhere": (ElsewhereRow,),
    "agent_statistics": (AgentSums, MomentsRow, MoneyMoments, MixRow),
    "agent_traces": (AgentTracesRow, MoneyTracesRow),
    "agent_versions": (VersionRow,),
    "agents": (AgentRow, AgentMomentsRow),
    "asset_charges": (AssetChargeRow,),
    "asset_contributions": (ContributionRow,),
    "asset_entries": (AssetEntryRow,),
    "asset_periods": (AssetPeriodRow,),
    "asset_shares": (AssetShareRow,),
    "asset_use": (AssetUseRow,),
    "assets": (AssetRow,),
    "attempts_behind": (AttemptBehindRow,),
    "attempts_by": (AttemptsRow,),
    "charges_by_day": (ChargeRow,),
    "cost_paths": (CostPathRow,),
    "coverage": (CoverageRow,),
    "earned_by": (EarnedByRow,),
    "economics_by": (EconomicsRow,),
    "energy": (EnergyRow,),
    "engine_minutes": (EngineMinuteRow,),
    "engines": (EngineRow,),
    "explain_attempts": (ExplainedAttemptRow,),
    "explain_charges": (ChargeLineRow,),
    "frontier": (FrontierRow,),
    "frontier_traces": (FrontierTracesRow,),
    "gpu_hosts": (GpuHostRow,),
    "gpu_offers": (GpuOfferRow,),
    "model_operations": (ModelOperationsRow,),
    "models": (ModelRow,),
    "models_behind": (ModelsBehindRow,),
    "pools": (PoolRow,),
    "prices_used": (PriceUsedRow,),
    "quality_costs": (QualityCostRow,),
    "records": (RecordRow,),
    "reprice": (RepricedRow,),
    "rework_ends": (ReworkEndsRow,),
    "rework_rates": (ReworkRateRow,),
    "rework_reasons": (ReworkReasonRow,),
    "runs": (RunRow,),
    "spent_by": (SpentByRow,),
    "token_calls": (TokenCallsRow,),
    "trace_attempts": (AttemptRow,),
    "trace_runs": (RunRow,),
    "trace_spans": (SpanRow,),
    "trace_summary": (TraceRow,),
    "traces_by": (TraceMomentsRow,),
    "traces_of_span": (SpanPlaceRow,),
    "unplaced_amounts": (UnplacedAmountRow,),
    "unplaced_records": (UnplacedRecordRow,),
    "value_rules": (ValueRuleRow,),
    "what_if": (SavingRow,),
}
