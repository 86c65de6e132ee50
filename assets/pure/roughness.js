// How much neighbouring arrows of a field differ, as gradviz/evidence/roughening.py defines it.

const DEGREES = 180 / Math.PI;
const FIELDS = 8; // as many as gradviz/evidence/measuring.py takes

// Mean angle in degrees between arrows next to each other in a row or column, zero arrows left out; null without any.
export function neighbourAngle({ u, v, isZero, points }) {
  let [sum, count] = [0, 0];
  const add = (a, b) => {
    if (isZero[a] || isZero[b]) return;
    const cross = u[a] * v[b] - v[a] * u[b];
    const dot = u[a] * u[b] + v[a] * v[b];
    if (cross === 0 && dot === 0) return;
    sum += Math.abs(Math.atan2(cross, dot));
    count += 1;
  };
  for (let row = 0; row < points; row++)
    for (let column = 0; column < points; column++) {
      const k = row * points + column;
      if (column + 1 < points) add(k, k + 1);
      if (row + 1 < points) add(k, k + points);
    }
  return count ? (DEGREES * sum) / count : null;
}

// Mean of that over the first fields of the minibatches: {angle, of}; null while they are not there.
export function roughnessOf(frames) {
  const wanted = [...frames.keys()].sort((a, b) => a - b).slice(0, FIELDS);
  const angles = wanted.map((index) => neighbourAngle(frames.get(index))).filter((angle) => angle !== null);
  return angles.length ? { angle: angles.reduce((sum, angle) => sum + angle, 0) / angles.length, of: angles.length } : null;
}
