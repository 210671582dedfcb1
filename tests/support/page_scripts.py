"""What a page is asked for in the browser, in its own language."""

from typing import Final

TABLES: Final = """() => Object.fromEntries(
  [...document.querySelectorAll('table[id]')].map(table => {
  const titles = [...table.tHead.rows[0].cells].map(c => c.textContent.trim());
  return [table.id, [...table.tBodies[0].rows].map(row => [...row.cells].map((cell, place) =>
    [titles[place], cell.querySelector('data')?.value ?? '',
     (cell.querySelector('details > p') ?? cell).textContent.trim()]))];
}))"""

CUT: Final = """() => [...document.querySelectorAll('tbody th, tbody td')]
  .filter(cell => cell.scrollWidth > cell.clientWidth + 1 && !cell.querySelector('[title]'))
  .map(cell => cell.textContent.trim())"""

#: Title of a column -> how many of its cells are cut.
CUT_UNDER: Final = """titles => Object.fromEntries(titles.map(title => [title,
  [...document.querySelectorAll('thead th')].filter(th => th.textContent.trim() === title)
    .flatMap(th => [...th.closest('table').tBodies[0].rows].map(row => row.cells[th.cellIndex]))
    .filter(cell => cell.scrollWidth > cell.clientWidth).length]))"""

HEADLINES: Final = """() => [...document.querySelectorAll('.figure')].map(one =>
  [one.querySelector('dt').textContent.trim(), one.querySelector('data').value,
   one.querySelector('data').textContent.trim()])"""

#: Keeps what is written on canvases: the text, and how far to the left it begins.
WRITTEN: Final = """() => {
  window.written = [];
  const fill = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
    const wide = this.measureText(text).width;
    const left = this.textAlign === 'right' || this.textAlign === 'end' ? wide : 0;
    window.written.push([text, x - left]);
    return fill.call(this, text, x, y, ...more);
  };
}"""

#: Draws the chart again with other amounts in its table, so that its axis ends there.
REDRAWN: Final = """([low, high]) => {
  const cells = [...document.querySelectorAll('#by-day tbody tr')].map(row => [...row.cells]);
  const told = cells.flatMap(row => [4, 7, 8].map(at => row[at - 1].querySelector('data')));
  told.filter(Boolean).forEach((data, at) => data.value = at % 2 ? low : high);
  window.written = [];
  dispatchEvent(new Event('resize'));
}"""

#: Whether what has the focus is in a cell of a table beside the one that names the row.
IN_A_CELL = "() => document.activeElement.closest('td') !== null"
#: What has the focus, where the column that stays lies over some of it.
HIDDEN_BEHIND = """() => {
  const link = document.activeElement, name = link.closest("tr").cells[0];
  const hidden = link.getBoundingClientRect().left < name.getBoundingClientRect().right - 1;
  return hidden && getComputedStyle(name).position === "sticky" ? link.textContent.trim() : "";
}"""
