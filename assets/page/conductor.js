// What any part may ask of the page as a whole. views/stage.js says how: it knows all parts, and none of them knows it.

/**
 * @typedef {object} Conductor
 * @property {(choices: object) => void} choose the controls' choices
 * @property {(rows: number[] | null) => void} composeMinibatch shows the minibatch that is composed of these rows, by their
 *   numbers, as a step in the history; null: the run's own again
 * @property {() => void} refresh brings everything in line with the state
 * @property {() => void} redraw draws the pictures again, as in other colours
 * @property {() => void} draw paints what is there
 * @property {() => void} drawSoon the same once for many frames that arrive one after the other
 * @property {() => void} commit Plotly shows what is painted
 * @property {() => void} commitSoon the same once the hand has let go
 * @property {(isStep: boolean) => void} remember writes the address; `isStep` when back should lead to what was before
 * @property {() => void} showActivity says what is known of the units at the epoch on show
 * @property {() => void} epochMoved a hand moves the epoch's slider
 * @property {() => void} epochReleased
 * @property {() => void} minibatchMoved
 * @property {() => void} minibatchReleased
 * @property {(over: "epochs" | "minibatches") => void} moveOver which slider moves the pictures now
 * @property {(told: object) => void} runsChanged
 * @property {(away: string) => void} connectionChanged what is the matter, or "" when the server is back
 */

/** @type {Conductor} */
export const conductor = /** @type {any} */ ({});

/** @param {Partial<Conductor>} answers */
export function conduct(answers) {
  Object.assign(conductor, answers);
}
