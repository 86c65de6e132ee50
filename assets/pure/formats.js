// Numbers as people read them; gradviz/numbers.py says shares alike, and tests/fixtures/shares.json holds both.

export function number(value, digits = 3) {
  if (value === 0) return "0";
  return signed(textOf(value, digits));
}

/** A number as JavaScript writes it, with the sign for minus. @param {string} text */
export function signed(text) {
  return text.replaceAll("-", "−");
}

/** A whole number with its thousands apart. @param {number} value */
export function whole(value) {
  return signed(value.toLocaleString("en"));
}

// Of thousands JavaScript's own form is 3.29e+3.
function textOf(value, digits) {
  const size = Math.abs(value);
  if (size >= 1e3 && size < 1e6 && Number.isInteger(value)) return `${value}`;
  if (size >= 1e4 || size < 1e-3) return value.toExponential(digits - 1);
  return size >= 1e3 ? `${Number(value.toPrecision(digits))}` : value.toPrecision(digits);
}

export function percent(share) {
  if (share > 0 && share < 0.005) return "<1 %";
  if (share < 1 && share >= 0.995) return ">99 %";
  return `${Math.round(100 * share)} %`;
}

/** A share with two digits, however small: 0.031 % is not 0 %. @param {number} share */
export function percentOf(share) {
  if (share > 0.9995) return "100 %";
  return share > 0 && share < 0.1 ? `${number(100 * share, 2)} %` : percent(share);
}
