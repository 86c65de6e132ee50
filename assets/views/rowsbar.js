// The bar above the list of rows: what it is sorted by, and whether the kinks of all rows are drawn.

import { element } from "../page/dom.js";

/** @import { Order } from "../pure/rowlist.js" */

/** @type {Record<Order, string>} */
const ORDERS = { share: "share", direction: "direction", residual: "residual" };

/** @param {Order} now @param {(order: Order) => void} choose */
export function orderChoice(now, choose) {
  const choice = element("fieldset", "gv-rows-order", element("legend", "gv-hidden", "Sorted by"));
  for (const [order, word] of Object.entries(ORDERS)) {
    const radio = Object.assign(element("input"), { type: "radio", name: "rows-order", value: order, checked: order === now });
    radio.addEventListener("change", () => choose(/** @type {Order} */ (order)));
    choice.append(element("label", "", radio, element("span", "", word)));
  }
  return choice;
}

/** @param {boolean} now @param {(isNet: boolean) => void} choose */
export function netChoice(now, choose) {
  const box = Object.assign(element("input"), { type: "checkbox", checked: now });
  box.addEventListener("change", () => choose(box.checked));
  const choice = element("label", "gv-rows-net", box, element("span", "", "all kinks"));
  choice.title = "The lines at which a gate of any row switches, or its residual changes sign";
  return choice;
}
