"""What a site's scripts and Python must say alike: run as a module, it writes both files in tests/fixtures."""

import json
from pathlib import Path
from typing import Any

from gradviz.dashboard.permalink import View, read, settle
from gradviz.dashboard.viewfields import FIELDS
from gradviz.publish.questions import question_of

FIXTURES = Path(__file__).parents[1] / "fixtures"

_SHAPES = {"hidden.1.linear.weight": [10, 20], "hidden.1.linear.bias": [10], "hidden.2.linear.bias": [5]}
_TENSORS = {name: {"layer": name.split(".")[1], "label": "", "kind": name.split(".")[-1]} for name in _SHAPES}
_BIASES = {side: [f"hidden.{side_of}.linear.bias[{k}]" for k in (0, 1)] for side, side_of in (("a", 1), ("b", 2))}
_DELIVERIES = {
    "study": "deliveries",
    "cannot": None,
    "epochs": [0, 1, 2, 5],
    "suggested": _BIASES,
    "shapes": _SHAPES,
    "tensors": _TENSORS,
    "minibatch_sizes": [16, 64, 256],
    "minibatches": {"16": 15, "64": 3, "256": 0},
    "train_rows": 240,
}
_OTHER = _DELIVERIES | {"study": "digits", "minibatch_sizes": [], "minibatches": {"64": 12}}
RUNS: dict[str, dict[str, Any]] = {
    "none": {"run": "none"} | _DELIVERIES,
    "dropout": {"run": "dropout"} | _DELIVERIES,
    "mine": {"run": "mine"} | _DELIVERIES,
    "cnn-1": {"run": "cnn-1"} | _OTHER,
    "cnn-2": {"run": "cnn-2"} | _OTHER,
}
WITHOUT_USUAL = {name: RUNS[name] for name in ("cnn-1", "cnn-2")}
ALONE = {"mine": RUNS["mine"]}
SETS: dict[str, dict[str, Any]] = {"all": RUNS, "others": WITHOUT_USUAL, "alone": ALONE, "no": {}}

LINKS = [
    *("", "?", "?epoch=2", "?epoch=3", "?epoch=4", "?epoch=99", "?epoch=ten", "?epoch=-1", "?epoch=2.0", "?epoch="),
    *(
        "?variant=dropout&view=compare",
        "?run=cnn-1",
        "?variant=gone",
        "?variant=../../etc",
        "?variant=cnn-2&view=compare",
    ),
    *(
        "?compared=none,mine",
        "?compared=none,gone",
        "?compared=",
        *("?compared=gone", "?compared=none,none~frozen,gone~frozen", "?lesson=arrow&step=2&present=on", "?step=0"),
        "?compared=cnn-1,cnn-2",
        "?minus=none",
    ),
    *("?x1=hidden.1.linear.bias[3]&y1=hidden.1.linear.weight[2,17]", "?x1=hidden.1.linear.bias[%202%20]", "?x1=hidden"),
    *(
        "?x1=hidden.1.linear.bias[1]",
        "?x1=hidden.1.linear.bias[99]",
        "?y2=hidden.9.linear.bias[0]",
        "?x1=step&y1=pca:2",
    ),
    *(
        "?x1=random:7@hidden.1&y1=gradient:mean",
        "?x1=pca:0",
        "?x1=towards:none/30",
        "?y2=towards:none",
        "?x1=downhill:1",
    ),
    *("?x1=step&y1=step", "?x2=hidden.2.linear.bias[1]&y2=hidden.2.linear.bias[1]"),
    *("?size=16", "?size=256", "?size=5000", "?size=64.5", "?minibatch=3", "?minibatch=1e3", "?minibatch=1000000"),
    *("?rows=3,17,20-24", "?rows=5,6,7", "?rows=1,1", "?rows=x", "?part=model", "?part=all"),
    *("?mode=train&masks=frozen&seed=7", "?mode=both", "?seed=-3", "?seed=4294967295", "?seed=4294967296"),
    *("?width=0.25", "?width=1e-2", "?width=0", "?width=nan", "?width=101", "?points=11", "?points=20", "?points=999"),
    *(
        "?under=contour&length=unit&range=frame&direction=descent&scales=free",
        "?under=fog",
        "?show=path,spread",
        "?show=,",
    ),
    *(
        "?camera=10,20,1.5",
        "?camera=0,90,1",
        "?camera=-67.5,36,2.12",
        "?start=0.25,-0.5",
        "?start=2,0",
        "?start=0.33333,1",
    ),
    *(
        "?rate=0.01&steps=50",
        "?rate=-1",
        "?steps=0",
        "?curves=agreement&seeds=grouped",
        "?metric=accuracy",
        "?panel=rows-2",
    ),
    *("?conditions=order,same&replicas=4&optimizer=sgd&factor=0.5", "?conditions=other", "?replicas=1", "?factor=0"),
    *("?fanx=gradient:mean&fany=hidden.1.linear.bias[0]", "?fanx=pca:1", "?fanx=step&fany=step", "?fany=steps:1"),
    *(
        "?colour=red",
        "?a%20b=1&epoch=1",
        "?epoch=1&epoch=2",
        "?epoch=1&epoch=x",
        "?mode=train&&points=11",
        "?view=matrix",
    ),
    "?" + "&".join(["epoch=1"] * 101),
]

ADDRESSES = [
    *("runs", "evidence", "evidence/does-it-hold", "activity/none/12", "paths/job"),
    "frames?run=none&x=hidden.1.linear.bias%5B0%5D&y=pca%3A1&mode=eval&over=epochs&minibatch=3&epoch=7&only=1,2&coarse=0",
    "frames?y=b&x=a&run=none&epoch=7&over=minibatches&minibatch=4&only=4",
    "frames?run=none&x=a&y=b&epoch=7&minibatch=4&coarse=5",
    "cosines/none/3?part=model&minibatch_size=64&mode=train&masks=fresh&seed=0",
    "course?run=none&epoch=3&x=a+b&y=%C3%A4",
]


def permalinks() -> dict[str, Any]:
    """What each link means, for each set of runs: where its view differs from the plain one, and the notices."""
    fields = [{"name": name, "key": field.key} for name, field in FIELDS.items()]
    told = {"fields": fields, "properties": View.model_json_schema()["properties"]}
    meant = []
    for runs in SETS:
        for search in LINKS if runs == "all" else LINKS[:30]:
            view, unread = read(search)
            view, unfit = settle(view, SETS[runs])
            changed = {name: value for name, value in _plain(view).items() if value != _plain(View())[name]}
            meant.append({"runs": runs, "search": search, "view": changed, "unread": unread, "unfit": unfit})
    return {"told": told, "runs": SETS, "links": meant}


def _plain(view: View) -> dict[str, Any]:
    return view.model_dump(mode="json", exclude={"variant"})


def questions() -> list[list[str]]:
    """The text of the question of each address."""
    return [[address, question_of(address)] for address in ADDRESSES]


SHARED = {"permalinks.json": permalinks, "questions.json": questions}


def text_of(name: str) -> str:
    return (
        json.dumps(SHARED[name](), indent=None, separators=(",", ":"), ensure_ascii=False).replace(
            '{"runs":', '\n{"runs":'
        )
        + "\n"
    )


if __name__ == "__main__":
    for each in SHARED:
        (FIXTURES / each).write_text(text_of(each))
