// TEMPORARY until merged
export function rowsText(rows) {
  const parts = [];
  for (let at = 0, end; at < rows.length; at = end) {
    for (end = at + 1; end < rows.length && rows[end] === rows[end - 1] + 1; ) end++;
    if (end - at >= 3) parts.push(`${rows[at]}-${rows[end - 1]}`);
    else parts.push(...rows.slice(at, end));
  }
  return parts.join(",");
}
