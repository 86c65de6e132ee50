// A view as the query string that gradviz/dashboard/permalink.py reads.

// The query string of a view: what is as by default is left out. `keys`: {key, default} by field.
export function searchOf(view, keys) {
  const parts = [];
  for (const [name, { key, default: standard }] of Object.entries(keys)) {
    const value = view[name];
    if (value === null || value === undefined || JSON.stringify(value) === JSON.stringify(standard)) continue;
    const text = encodeURIComponent(Array.isArray(value) ? value.join(",") : value);
    parts.push(`${key}=${text.replace(/%5B/g, "[").replace(/%5D/g, "]").replace(/%2C/g, ",")}`);
  }
  return parts.length ? `?${parts.join("&")}` : "";
}
