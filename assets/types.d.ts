// What the page's scripts find on the window.

interface Window {
  /** The namespace in which Dash looks for callbacks, with `set_props` and what tells of the callback under way. */
  dash_clientside: any;
  /** plotly.js, or the promise of it that Dash waits for. */
  Plotly: any;
  /** See views/questions.js. */
  gradvizPage: object;
  /** See page/site.js. */
  gradvizSite?: object;
  /** Takes what a script of a published site gives, see site/packed.js. */
  gradvizGive?: (name: string, text: string) => void;
}
