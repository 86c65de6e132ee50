// Why there is nothing to see.

import { look, zeroMessages } from "./look.js";

/** The reason that most zero arrows share, if all arrows are zero; 0 otherwise. */
export function reasonOfAllZero(frame) {
  const counts = new Map();
  for (let k = 0; k < frame.isZero.length; k++) {
    if (!frame.isZero[k]) return 0;
    counts.set(frame.zeroReason[k], (counts.get(frame.zeroReason[k]) || 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0][0];
}

/** The sentence for a reason that all arrows share. Along directions no one parameter has it. @param {{plane?: any, zero_words?: string}} frame @param {number} reason */
export function zeroSentence({ plane, zero_words: words }, reason) {
  return plane ? `The gradient is ${look.zero_words} along both axes.` : (words ?? zeroMessages[reason]);
}
