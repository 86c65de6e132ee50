// Choices that are made elsewhere than at their controls, which then show them.

import { controlled } from "../pure/fields.js";
import { viewFields } from "../page/address.js";
import { conductor } from "../page/conductor.js";
import { setProps } from "../page/dash.js";

export function chooseEverywhere(choices) {
  conductor.choose(choices);
  for (const { name, control } of controlled(viewFields())) if (name in choices) setProps(control, { value: choices[name] });
}
