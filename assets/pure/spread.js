// How the gradients of the minibatches at one checkpoint spread: the arrows at the centres of their pictures, and how
// far these agree. Directional statistics as in Mardia and Jupp, Directional Statistics (2000), section 2.3.

import { percent } from "./formats.js";
import { look } from "./look.js";
import { factWords, meanFacts } from "./minibatch.js";

const HALF_TURN = Math.PI;

// Of frames by minibatch. `arrows`: one for each, in the order of the minibatches; `order`: the minibatches from one
// side of the mean direction to the other, those without direction last; `resultant`: mean of the unit vectors.
export function spreadOf(frames) {
  const arrows = [...frames.values()].map(centreOf).sort((a, b) => a.minibatch - b.minibatch);
  const live = arrows.filter((arrow) => !arrow.isZero);
  const [x, y] = [meanOf(live, ({ angle }) => Math.cos(angle)), meanOf(live, ({ angle }) => Math.sin(angle))];
  const resultant = { length: Math.hypot(x, y), angle: Math.atan2(y, x) };
  for (const arrow of live) arrow.fromMean = turnBetween(resultant.angle, arrow.angle);
  const order = [...live].sort((a, b) => a.fromMean - b.fromMean || a.minibatch - b.minibatch);
  return {
    arrows,
    live,
    resultant,
    order: [...order, ...arrows.filter((arrow) => arrow.isZero)].map(({ minibatch }) => minibatch),
    within: live.filter(({ fromMean }) => Math.abs(fromMean) < HALF_TURN / 2).length,
    longest: Math.max(0, ...live.map(({ size }) => size)),
    numRows: arrows.reduce((sum, arrow) => sum + arrow.num_rows, 0),
    below: meanBelow(arrows),
    facts: meanFacts(arrows),
  };
}

// Over all rows; null where the study has no target that a row may be below.
function meanBelow(arrows) {
  if (arrows.some((arrow) => (arrow.share_below ?? null) === null)) return null;
  return arrows.reduce((sum, arrow) => sum + arrow.share_below * arrow.num_rows, 0) / (arrows.reduce((sum, arrow) => sum + arrow.num_rows, 0) || 1);
}

function centreOf(frame) {
  const k = (frame.u.length - 1) / 2;
  const [u, v] = [frame.u[k], frame.v[k]];
  const size = Math.hypot(u, v);
  return {
    minibatch: frame.index, u, v, size, isZero: Boolean(frame.isZero[k]) || size === 0, reason: frame.zeroReason[k],
    angle: Math.atan2(v, u), fromMean: null, share_below: frame.share_below, num_rows: frame.num_rows, facts: frame.facts ?? [],
    xDead: frame.x_active === 0, yDead: frame.y_active === 0,
  };
}

// The cosine of the angle between two arrows; null where one has no direction.
export function cosineOf(a, b) {
  return a.isZero || b.isZero ? null : Math.cos(a.angle - b.angle);
}

// From one angle to another, in (-π, π].
export function turnBetween(from, to) {
  const turn = (to - from) % (2 * HALF_TURN);
  if (turn > HALF_TURN) return turn - 2 * HALF_TURN;
  return turn <= -HALF_TURN ? turn + 2 * HALF_TURN : turn;
}

function meanOf(arrows, value) {
  return arrows.length ? arrows.reduce((sum, arrow) => sum + value(arrow), 0) / arrows.length : 0;
}

// "41 of 50 minibatches point within 90° of their mean; R = 0.83; 51 % of rows predicted below target (50 × 64 rows)."
export function spreadSentence({ arrows, live, resultant, within, below, facts, numRows }) {
  const many = arrows.length;
  const each = new Set(arrows.map((arrow) => arrow.num_rows));
  const rows = each.size === 1 ? `${many} × ${[...each][0]} rows` : `${numRows} rows`;
  const mean = facts.length ? `${factWords(facts[0])} on average` : "";
  const told = below === null ? [mean, rows].filter(Boolean) : [`${percent(below)} of rows predicted below target`, rows];
  const signs = `${told[0]}${told.length > 1 ? ` (${rows})` : ""}.`;
  if (!live.length) return `All ${many} gradients are ${zeroWords(arrows)}; ${signs}`;
  const zeros = many - live.length;
  const rest = zeros ? `${zeros} of ${many} gradients are ${zeroWords(arrows)}; of the others, ` : "";
  const whole = zeros ? `${live.length}` : `${many} minibatches`;
  return `${rest}${within} of ${whole} point within 90° of their mean; ${strengthWords(resultant.length)}; ${signs}`;
}

// "R = 0.83".
export function strengthWords(length) {
  return length > 0.995 && length < 1 - 1e-9 ? "R > 0.99" : `R = ${length.toFixed(2)}`;
}

// "zero up to round-off", and for a dead pair that it is dead.
function zeroWords(arrows) {
  const zeros = arrows.filter(({ isZero }) => isZero);
  const dead = zeros.filter(({ xDead, yDead }) => xDead && yDead).length;
  if (dead === zeros.length) return "zero because both units are inactive on these rows";
  return dead ? `${look.zero_words} (${dead} because both units are inactive on these rows)` : look.zero_words;
}

// The reason that most of the zero arrows give; 0 if none is zero.
export function commonReason(arrows) {
  const counts = new Map();
  for (const { isZero, reason } of arrows) if (isZero) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts.size ? [...counts].sort((a, b) => b[1] - a[1])[0][0] : 0;
}
