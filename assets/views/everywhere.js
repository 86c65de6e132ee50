// Choices that are made elsewhere than at their controls, which then show them.

import { controlled, heldOf } from "../pure/fields.js";
import { viewFields } from "../page/address.js";
import { conductor } from "../page/conductor.js";
import { setProps } from "../page/dash.js";

export function chooseEverywhere(choices) {
  conductor.choose(choices);
  for (const { name, control, holds } of controlled(viewFields())) if (name in choices) setProps(control, { value: heldOf(choices[name], holds) });
}
