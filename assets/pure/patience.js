// How long to wait before a question is asked again.

const FIRST_SECONDS = 1;
const MOST_SECONDS = 30;

// Milliseconds, after so many failures in a row: ever longer, up to half a minute, and no shorter than the server says.
export function patience(failures, seconds = 0) {
  return 1000 * Math.min(MOST_SECONDS, Math.max(seconds, FIRST_SECONDS * 1.5 ** Math.max(0, failures - 1)));
}
