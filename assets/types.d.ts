// What the page's scripts find on the window.

interface Window {
  /** The namespace in which Dash looks for callbacks, with `set_props` and what tells of the callback under way. */
  dash_clientside: any;
  /** plotly.js, or the promise of it that Dash waits for. */
  Plotly: any;
  /** See views/questions.js. */
  gradvizPage: object;
}
