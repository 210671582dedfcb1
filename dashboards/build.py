"""Makes the JSON of the dashboards: ``python -m dashboards.build``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from dashboards.description import (
    BUDGETS,
    DASHBOARDS,
    UNITS,
    Dashboard,
    MetricPanel,
    Panel,
    text,
)

OUT: Final = Path(__file__).with_name("grafana")
_PLUGIN: Final = "grafana-clickhouse-datasource"
_SOURCE: Final = models.DataSourceRef(type_val=_PLUGIN, uid="spanledger")
_METRICS: Final = models.DataSourceRef(type_val="prometheus", uid="spanledger-metrics")
_COLUMNS: Final = 24
_AS_TABLE, _AS_SERIES = 1, 0
# Enumerations whose members a type checker takes for their values.
_LINK: Final[Any] = models.DashboardLinkType.LINK
_ABSOLUTE: Final[Any] = models.ThresholdsMode.ABSOLUTE
_NORMAL: Final[Any] = common_models.StackingMode.NORMAL
#: Where the built-in pages are; the variable can be changed on the dashboard.
_WEB: Final = "http://localhost:4319"


_WORKSPACE: Final = "workspace=${workspace:percentencode}"
#: The period of a panel on a built-in page, by the macro that its statement has. The pages take
#: milliseconds for the UTC day that they are in, as the plug-in does for days. A format of days
#: (``${__from:date:YYYY-MM-DD}``) would be in the time zone of the browser.
_DAYS: Final = "since=${__from}&until=${__to}"
_TIMES: Final = "since=${__from:date:iso}&until=${__to:date:iso}"
_PERIODS: Final = {"$__dateFilter(": _DAYS, "$__timeFilter(": _TIMES}
_ALWAYS: Final = "range=all"
#: Column of a table -> what its built-in page shows, and where that is; names are encoded.
_LINKS: Final = {
    "trace_id": ("The trace, span by span", "trace?id=${__value.raw}"),
    "agent_name": ("The agent, whole", "agent?agent=${__value.raw:percentencode}"),
    "tenant": ("The runs of the tenant", "runs?tenant=${__value.raw:percentencode}"),
    "flame_graph": ("The path in the flame graph", "flame?at=${__value.raw:percentencode}"),
    "asset_id": ("The books of the asset", "asset?id=${__value.raw:percentencode}"),
}
#: Column of such a table whose values are for the address alone -> how it looks.
_SHOWN: Final = {
    "flame_graph": [
        models.DynamicConfigValue(
            id_val="mappings",
            value=[{"type": "regex", "options": {"pattern": ".+", "result": {"text": "show"}}}],
        )
    ]
}
#: Variables that panels are narrowed by.
_CHOSEN: Final = ("agent", "version")
#: Pages of one thing, whatever the period and whoever is chosen.
_OF_ONE: Final = ("trace", "asset", "budgets")


class Statement(Dataquery):
    """A query of the ClickHouse plug-in, which the SDK has no class for."""

    def __init__(self, panel: Panel) -> None:
        is_series = panel.kind == "timeseries"
        self._told: Mapping[str, Any] = {
            "refId": "A",
            "datasource": {"type": _PLUGIN, "uid": "spanledger"},
            "editorType": "sql",
            "queryType": "timeseries" if is_series else "table",
            "format": _AS_SERIES if is_series else _AS_TABLE,
            "rawSql": panel.statement,
        }

    def to_json(self) -> Mapping[str, Any]:
        """As the plug-in stores it."""
        return self._told


class _Target(Builder[Dataquery]):
    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def build(self) -> Dataquery:
        return Statement(self._panel)


def built() -> Iterator[tuple[str, str]]:
    """File name and text of each dashboard."""
    for one in (*DASHBOARDS, BUDGETS):
        told = json.dumps(_dashboard(one).build(), cls=JSONEncoder, indent=2, sort_keys=True)
        yield f"{one.uid}.json", told + "\n"


def _dashboard(one: Dashboard) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(one.title)
        .uid(one.uid)
        .tags(["spanledger"])
        .readonly()
        .time("now-30d", "now")
        .refresh("1m")
        .timezone("utc")
        .with_variable(_typed("workspace", "Workspace", "default"))
        .with_variable(_typed("web", "Pages", _WEB))
    )
    is_chosen = any(isinstance(panel, Panel) for panel in one.panels)
    chosen = _CHOSEN if is_chosen else ()
    made = made.link(_to_pages("Built-in pages", "overview?", _DAYS, chosen))
    if is_chosen:
        made = made.with_variable(_named("agent", "Agent", "agents"))
        made = made.with_variable(_named("version", "Version", "versions"))
    x = y = row = 0
    for panel in one.panels:
        if x + panel.width > _COLUMNS:
            x, y, row = 0, y + row, 0
        place = models.GridPos(h=panel.height, w=panel.width, x=x, y=y)
        drawn = _panel(panel, place) if isinstance(panel, Panel) else _metric(panel, place)
        made = made.with_panel(drawn)
        x, row = x + panel.width, max(row, panel.height)
    return made


def _to_pages(
    title: str, path: str, period: str, chosen: Sequence[str] = ()
) -> dashboard.DashboardLink:
    link = dashboard.DashboardLink(title).type(_LINK)
    return link.url(_address(path, period, chosen)).target_blank(True)


def _address(path: str, period: str, chosen: Sequence[str] = ()) -> str:
    """Of a built-in page, with the same workspace, choices and period.

    Args:
        path: with its question mark.
        period: as words of the URL.
        chosen: the variables that narrow what leads there.
    """
    page, _, asked = path.partition("?")
    narrowed = [] if page in _OF_ONE else [f"${{{name}:queryparam}}" for name in chosen]
    kept = [asked, _WORKSPACE, *narrowed, "" if page in _OF_ONE else period]
    return f"${{web}}/ui/{page}?{'&'.join(one for one in kept if one)}"


def _period(panel: Panel) -> str:
    told = (period for macro, period in _PERIODS.items() if macro in panel.statement)
    return next(told, _ALWAYS)


def _chosen(panel: Panel) -> Sequence[str]:
    """The variables that narrow it."""
    return [name for name in _CHOSEN if f"${name})" in panel.statement]


def _flamegraph() -> dashboard.Panel:
    """The SDK has no class for it."""
    return dashboard.Panel().type("flamegraph")


_KINDS: Final[Mapping[str, Any]] = {
    "stat": stat.Panel,
    "table": table.Panel,
    "timeseries": timeseries.Panel,
    "flamegraph": _flamegraph,
}


def _typed(name: str, label: str, value: str) -> dashboard.TextBoxVariable:
    return dashboard.TextBoxVariable(name).label(label).default_value(value)


def _named(name: str, label: str, asked: str) -> dashboard.QueryVariable:
    """A variable that offers the names that a file of ``sql/`` asks for."""
    statement = text(asked).partition("\n")[2].strip()
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(statement)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _panel(panel: Panel, place: models.GridPos) -> Any:
    made: Any = _KINDS[panel.kind]()
    made = made.title(panel.title).description(panel.description).datasource(_SOURCE)
    made = (
        made.unit(panel.unit).with_target(_Target(panel)).grid_pos(place).thresholds(_thresholds())
    )
    period, chosen = _period(panel), _chosen(panel)
    made = made.links([_to_pages(f"Built-in page: {panel.page}", f"{panel.page}?", period, chosen)])
    if panel.kind in ("stat", "table"):
        for pattern, unit in UNITS.items():
            value = models.DynamicConfigValue(id_val="unit", value=unit)
            made = made.override_by_regexp(f"/{pattern}/", [value])
    if panel.kind == "table":
        for column, (title, path) in _LINKS.items():
            made = made.override_by_name(
                column, [_page_link(title, _address(path, period, chosen)), *_SHOWN.get(column, [])]
            )
    if panel.kind == "stat":
        loss = models.DynamicConfigValue(
            id_val="thresholds", value=_thresholds(red_below=0).build()
        )
        made = made.override_by_name("margin_usd", [loss])
        made = made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if panel.stacked:
        stacking = common.StackingConfig().mode(_NORMAL)
        made = made.stacking(stacking).fill_opacity(40)
    return made


def _metric(panel: MetricPanel, place: models.GridPos) -> Any:
    made: Any = _KINDS[panel.kind]()
    asked = prometheus.Dataquery().expr(panel.expression).legend_format(panel.legend)
    made = made.title(panel.title).description(panel.description).datasource(_METRICS)
    made = (
        made.unit(panel.unit)
        .with_target(asked.ref_id("A"))
        .grid_pos(place)
        .thresholds(_thresholds())
    )
    return made.links([_to_pages(f"Built-in page: {panel.page}", f"{panel.page}?", _DAYS)])


def _thresholds(red_below: float | None = None) -> dashboard.ThresholdsConfig:
    """Text colour: without steps of ours Grafana's hold, green below 80 and red from there on."""
    steps = [models.Threshold(None, "text")]
    if red_below is not None:
        steps = [models.Threshold(None, "red"), models.Threshold(red_below, "text")]
    return dashboard.ThresholdsConfig().mode(_ABSOLUTE).steps(steps)


def _page_link(title: str, address: str) -> models.DynamicConfigValue:
    link = {"title": title, "url": address, "targetBlank": True}
    return models.DynamicConfigValue(id_val="links", value=[link])


def main() -> None:
    """Write the files."""
    OUT.mkdir(exist_ok=True)
    for name, told in built():
        OUT.joinpath(name).write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
