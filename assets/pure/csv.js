// Tables as comma-separated values (RFC 4180): numbers in full, nothing where there is none.

/** @param {(string | number | null | undefined)[][]} rows */
export function csvOf(rows) {
  return rows.map((row) => `${row.map(cellOf).join(",")}\r\n`).join("");
}

function cellOf(value) {
  if (value === null || value === undefined) return "";
  const text = `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
