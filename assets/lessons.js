// Lessons, loaded when one is opened: see page/bringlessons.js.

import { joinLessons } from "./page/bringlessons.js";
import { player } from "./views/lesson.js";

joinLessons(player);
