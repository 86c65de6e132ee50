// The fields of the view as the server tells them (gradviz/dashboard/viewfields.py): their keys in the address, which
// gradviz/dashboard/permalink.py reads, and the components that hold them.

/**
 * @typedef {{name: string, key: string, default: unknown, control: string | null,
 *   holds: "value" | "text" | "typed number" | "typed number or none" | "text or auto"}} ViewField
 */

/**
 * The query string of a view: what is as by default is left out.
 * @param {Record<string, any>} view @param {ViewField[]} fields
 */
export function searchOf(view, fields) {
  const parts = [];
  for (const { name, key, default: standard } of fields) {
    const value = view[name];
    if (value === null || value === undefined || JSON.stringify(value) === JSON.stringify(standard)) continue;
    const text = encodeURIComponent(Array.isArray(value) ? value.join(",") : value);
    parts.push(`${key}=${text.replace(/%(5B|5D|2C|3A|40|2F)/g, decodeURIComponent)}`);
  }
  return parts.length ? `?${parts.join("&")}` : "";
}

/** Whether an address names nothing but Explore or Compare: what it opens, gradviz/dashboard/first_picture.py chooses. @param {string} search */
export function namesNothing(search) {
  return search === "" || search === "?view=compare";
}

/** Those that a component holds, in the order in which Dash hands over their values. @param {ViewField[]} fields */
export function controlled(fields) {
  return fields.filter(({ control }) => control !== null);
}

/** What the components are to hold. @param {Record<string, any>} view @param {ViewField[]} fields */
export function valuesOf(view, fields) {
  return controlled(fields).map(({ name, holds }) => heldOf(view[name], holds));
}

/** A value as a component holds it. @param {any} value @param {ViewField["holds"]} holds */
export function heldOf(value, holds) {
  if (holds === "text") return `${value}`;
  if (holds === "text or auto") return `${value ?? "auto"}`;
  return holds === "typed number or none" ? (value ?? "") : value;
}

/** The choices that the components' values make; one that is empty, or not a number yet, makes none. @param {ViewField[]} fields */
export function choicesOf(values, fields) {
  const made = controlled(fields).map(({ name, holds }, k) => {
    const value = values[k];
    if (value === null || value === undefined) return [];
    if (holds === "text") return [[name, Number(value)]];
    if (holds === "text or auto") return [[name, value === "auto" ? null : Number(value)]];
    if (holds === "typed number or none" && value === "") return [[name, null]];
    return holds.startsWith("typed number") && !Number.isFinite(value) ? [] : [[name, value]];
  });
  return Object.fromEntries(made.flat());
}
