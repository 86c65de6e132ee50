// Where small pictures lie: squares in rows, read from the left.

export const GAP = 3; // pixels between them

// Where the square of a number lies; `head`: what each has above it.
export function placeOf(number, { columns, cell, left, head = 0 }) {
  return { left: left + (number % columns) * (cell + GAP), top: head + Math.floor(number / columns) * (cell + head + GAP), side: cell };
}

// The arrangement of `many` squares in a box that makes them largest, up to `most`.
export function squaresIn(many, width, height, most = Infinity, head = 0) {
  let best = { columns: 1, cell: 0, left: 0, head };
  for (let columns = 1; columns <= many; columns++) {
    const rows = Math.ceil(many / columns);
    const cell = Math.floor(Math.min(most, (width - (columns - 1) * GAP) / columns, (height - (rows - 1) * GAP) / rows - head));
    if (cell > best.cell) best = { columns, cell, left: Math.floor((width - columns * (cell + GAP) + GAP) / 2), head };
  }
  return best;
}

// The arrangement in a box that may be as high as it needs to be: as many columns as squares of `least` make.
export function squaresAcross(many, width, least, head = 0) {
  const columns = Math.max(1, Math.min(many, Math.floor((width + GAP) / (least + GAP))));
  return { columns, cell: Math.floor((width - (columns - 1) * GAP) / columns), left: 0, head };
}

// The height that an arrangement takes.
export function heightOf(many, { columns, cell, head }) {
  const rows = Math.ceil(many / columns);
  return rows * (cell + head) + (rows - 1) * GAP;
}
