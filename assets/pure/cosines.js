// How far directions agree, from the cosines of all their pairs: {order, value(a, b): cosine, or null without direction}.

// R of those that have a direction: R² is the mean of all their cosines, each with itself among them.
export function cosineStrength({ order, value }) {
  const live = order.filter((k) => value(k, k) !== null);
  const sum = live.reduce((total, a) => total + live.reduce((row, b) => row + value(a, b), 0), 0);
  return live.length ? Math.sqrt(Math.max(0, sum)) / live.length : null;
}

// Mean cosine of all pairs of those that have a direction; null with fewer than two.
export function meanCosine({ order, value }) {
  const live = order.filter((k) => value(k, k) !== null);
  const pairs = live.flatMap((a, k) => live.slice(k + 1).map((b) => value(a, b)));
  return pairs.length ? pairs.reduce((sum, cosine) => sum + cosine, 0) / pairs.length : null;
}
