// Where small pictures lie: squares in rows, read from the left.

export const GAP = 3; // pixels between them

// Where the square of a number lies.
export function placeOf(number, { columns, cell, left }) {
  return { left: left + (number % columns) * (cell + GAP), top: Math.floor(number / columns) * (cell + GAP), side: cell };
}

// The arrangement of `many` squares in a box that makes them largest, up to `most`.
export function squaresIn(many, width, height, most = Infinity) {
  let best = { columns: 1, cell: 0, left: 0 };
  for (let columns = 1; columns <= many; columns++) {
    const rows = Math.ceil(many / columns);
    const cell = Math.floor(Math.min(most, (width - (columns - 1) * GAP) / columns, (height - (rows - 1) * GAP) / rows));
    if (cell > best.cell) best = { columns, cell, left: Math.floor((width - columns * (cell + GAP) + GAP) / 2) };
  }
  return best;
}
