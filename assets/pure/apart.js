// Labels beside what they name: moved along a line until none lies over another, and no farther than that takes.

/**
 * The middle of each label between `from` and `to`, in the order of `places`; null where there is no room, of those with
 * the highest rank last. Their order along the line is that of their places (isotonic regression by pooling neighbours).
 * @param {number[]} places where each would lie best @param {number} height of a label @param {[number, number]} ends
 * @param {number[]} [ranks] whose label counts more @returns {(number | null)[]}
 */
export function apart(places, height, [from, to], ranks = places.map(() => 0)) {
  const room = Math.max(0, Math.floor((to - from) / height + 1e-9));
  const kept = places.map((_, k) => k).sort((a, b) => ranks[b] - ranks[a] || a - b).slice(0, room);
  kept.sort((a, b) => places[a] - places[b] || a - b);
  const pools = [];
  kept.forEach((k, n) => {
    pools.push({ sum: places[k] - n * height, many: 1 });
    while (pools.length > 1 && mean(pools.at(-2)) >= mean(pools.at(-1))) {
      const { sum, many } = pools.pop();
      pools.at(-1).sum += sum;
      pools.at(-1).many += many;
    }
  });
  const lowest = from + height / 2;
  const highest = to - height / 2 - (kept.length - 1) * height;
  const found = places.map(() => /** @type {number | null} */ (null));
  let n = 0;
  for (const pool of pools)
    for (let k = 0; k < pool.many; k++, n++) found[kept[n]] = Math.max(lowest, Math.min(highest, mean(pool))) + n * height;
  return found;
}

function mean({ sum, many }) {
  return sum / many;
}
