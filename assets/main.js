// The page: what is loaded is what this names and what that imports, put together by gradviz/dashboard/modules.py.
// plotly.js comes first: it is the longest on its way.

import "./views/bringplotly.js";
import { choose, pickLayer, readAddress, setControls, toggleControls, train } from "./views/callbacks.js";
import "./views/directionpicker.js";
import "./views/help.js";
import { questions } from "./views/questions.js";
import "./views/touch.js";

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.gradviz = { readAddress, setControls, choose, pickLayer, toggleControls, train };
window.gradvizPage = questions;
