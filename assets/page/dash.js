// The components that Dash holds.

/** @param {string} id @param {Record<string, unknown>} props */
export function setProps(id, props) {
  window.dash_clientside.set_props(id, props);
}
