// Draws the charts over tables: what is drawn is read from the table, no figure is computed here.
// Keeps what has the focus in sight.
"use strict";

(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const cellsOf = (table, title) => {
    const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    return [...table.tBodies[0].rows].map((row) => row.cells[titles.indexOf(title)]);
  };

  const valueOf = (cell) => {
    const data = cell && cell.querySelector("data");
    return data && data.value !== "" ? Number(data.value) : null;
  };

  // Every digit that tells one tick from the next; millions and more in short, so that they fit.
  const moneyOf = (ticks) => {
    const notation = Math.max(...ticks.map(Math.abs)) >= 1e6 ? "compact" : "standard";
    const format = new Intl.NumberFormat("en", { notation, maximumSignificantDigits: 10 });
    return ticks.map((tick) => `${tick < 0 ? "−" : ""}$${format.format(Math.abs(tick))}`);
  };

  // As wide as the widest label: one that is cut reads as another amount.
  const widthOf = (plot, labels, place) => {
    const { font, ticks, gap } = plot.axes[place];
    plot.ctx.font = font[0];
    const widest = Math.max(0, ...(labels ?? []).map((label) => plot.ctx.measureText(label).width));
    return Math.ceil(ticks.size + gap + widest / devicePixelRatio) + 2;
  };

  const draw = (box) => {
    const table = document.getElementById(box.dataset.plot);
    const names = box.dataset.columns.split("|");
    // A day without runs has no row: it is a gap, not a point on the way from one day to the next.
    const rowOf = new Map([...table.tBodies[0].rows].map((row, place) => [Date.parse(row.cells[0].textContent.trim()) / 1000, place]));
    const [first, last] = [Math.min(...rowOf.keys()), Math.max(...rowOf.keys())];
    const days = Array.from({ length: (last - first) / 86400 + 1 }, (_, number) => first + number * 86400);
    const cells = names.map((name) => cellsOf(table, name));
    const cellAt = (place, number) => cells[place][rowOf.get(days[number])];
    const drawn = names.map((_, place) => days.map((_day, number) => valueOf(cellAt(place, number))));
    const colours = [colour("--part"), colour("--gain"), colour("--within")];
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    box.replaceChildren();
    new uPlot(
      {
        width: box.clientWidth, height: 220, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
        series: [
          { label: "Day", value: "{YYYY}-{MM}-{DD}" },
          ...names.map((name, place) => ({
            label: name, stroke: colours[place], width: 2, points: { show: days.length < 60, size: 6, fill: colours[place] },
            value: (_, __, ___, number) => cellAt(place, number)?.textContent.trim() ?? "–",
          })),
        ],
        axes: [{ ...axis, incrs: [1, 2, 7, 14, 30, 91, 365].map((days) => days * 86400), space: 70, values: "{MMM} {D}" }, { ...axis, size: widthOf, values: (_, ticks) => moneyOf(ticks) }],
      },
      [days, ...drawn],
      box,
    );
  };

  // Browsers take a link for seen of which a part comes out from behind the column that stays.
  const bare = ({ target }) => {
    const cell = target.closest(".scroll td");
    const name = cell && cell.parentElement.cells[0];
    if (!name || getComputedStyle(name).position !== "sticky") return;
    const hidden = name.getBoundingClientRect().right - target.getBoundingClientRect().left;
    if (hidden > 0) cell.closest(".scroll").scrollLeft -= hidden + 4;
  };
  addEventListener("focusin", bare);

  const drawAll = () => document.querySelectorAll("[data-plot]").forEach(draw);
  addEventListener("DOMContentLoaded", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let resized = 0;
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(drawAll, 150);
  });
})();
