"""Writes a report: findings.json, findings.md, findings.html, and the pictures in findings/."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gradviz.drawing.multiples import scene_animation, scene_still
from gradviz.evidence.measuring import Measuring
from gradviz.evidence.precision import unmarked
from gradviz.evidence.scenes import SceneSpec
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.report.chart import Chart, plotly_figure, still
from gradviz.report.charts import charts_of
from gradviz.report.contents import TITLE, contents
from gradviz.report.document import Block, Picture
from gradviz.report.findings import Findings, findings_bytes, findings_of
from gradviz.report.machine import this_machine
from gradviz.report.markdown import markdown
from gradviz.report.page import Interactive, page
from gradviz.report.parts import Parts, digest, write_if_changed
from gradviz.report.standalone import figure_block, frames_block

NAME = "findings"
DRAWING_VERSION = 2
"""Part of the key of every picture: raised whenever the same numbers would be drawn in another way."""

Panels = list[list[GradientField]]
OnMessage = Callable[[str], None]


def write_report(directory: Path, seeds: Sequence[Measuring], on_message: OnMessage) -> Findings:
    """Measures what is not known yet and writes what has changed; pictures are of the first of the `seeds`.

    The same runs on the same machine give the same bytes. UserError if `directory` cannot be written to.
    """
    parts = Parts(directory / NAME)
    findings = findings_of(
        tuple(measuring.evidence() for measuring in seeds), this_machine(seeds[0].compute.bench.device)
    )
    blocks = contents(findings)
    pictures = _Pictures(parts, seeds[0], charts_of(findings.seeds[0].evidence), on_message)
    keys = [block.key for block in blocks if isinstance(block, Picture)]
    stills = {key: pictures.still(key) for key in keys}
    animations = frozenset(key for key in keys if pictures.animation(key) is not None)
    interactive = {key: pictures.interactive(key) for key in keys}
    on_message("writing the report")
    write_if_changed(directory / f"{NAME}.json", findings_bytes(findings))
    write_if_changed(directory / f"{NAME}.md", markdown_of(blocks, animations).encode())
    html = page(TITLE, blocks, interactive=interactive, stills=stills)
    write_if_changed(directory / f"{NAME}.html", html.encode())
    parts.close()
    return findings


def markdown_of(blocks: Sequence[Block], animations: frozenset[str]) -> str:
    """The Markdown file, whose pictures lie in the folder beside it."""
    return markdown(blocks, folder=NAME, animations=animations)


class _Pictures:
    """Draws the pictures of one seed, each when it is asked for and only if it is not there yet."""

    def __init__(self, parts: Parts, seed: Measuring, charts: dict[str, Chart], on_message: OnMessage) -> None:
        self.parts, self.seed, self.charts, self.on_message = parts, seed, charts, on_message
        self.scenes = {spec.key: spec for spec in seed.scenes}
        self._panels: tuple[str, Panels] = ("", [])

    def still(self, key: str) -> bytes:
        """png"""
        if key in self.charts:
            chart = self.charts[key]
            return self.parts.once(f"{key}.png", self._key(repr(chart)), lambda: still(chart))
        return self._draw(f"{key}.png", key, scene_still)

    def animation(self, key: str) -> bytes | None:
        """gif of a scene with several minibatches."""
        spec = self.scenes.get(key)
        if spec is None or spec.num_minibatches == 1:
            return None
        return self._draw(f"{key}.gif", key, scene_animation)

    def interactive(self, key: str) -> Interactive:
        """What the page draws."""
        if key in self.charts:
            return Interactive((figure_block(plotly_figure(self.charts[key])),), moving=False)
        return Interactive(
            tuple(
                frames_block(request, dict(enumerate(fields)))
                for request, fields in zip(self._requests(key), self._fields(key), strict=True)
            ),
            moving=True,
        )

    def _draw(self, name: str, key: str, draw: Callable[[Panels, list[tuple[str, str]]], bytes]) -> bytes:
        def make() -> bytes:
            self.on_message(f"drawing {name}")
            return draw(self._fields(key), self._names(key))

        about = [request.canonical() for request in self._requests(key)]
        return self.parts.once(name, self._key(*about, *self._addresses(key)), make)

    def _names(self, key: str) -> list[tuple[str, str]]:
        if key == "batchnorm-precision":
            return [("float32", ""), ("float64", "")]
        return list(self.scenes[key].pairs)

    def _addresses(self, key: str) -> list[object]:
        spec = self._spec(key)
        return [self.seed.runs[spec.run].address(spec.epoch), spec.num_minibatches]

    def _spec(self, key: str) -> SceneSpec:
        return self.scenes["batchnorm-linear" if key == "batchnorm-precision" else key]

    def _requests(self, key: str) -> list[LandscapeRequest]:
        if key == "batchnorm-precision":
            request = self.seed.round_off_view()
            assert request is not None
            return [request, request]
        return self._spec(key).requests()

    def _fields(self, key: str) -> Panels:
        """Of one scene at a time: all of them together would take the memory of a model."""
        if self._panels[0] != key:
            self._panels = (key, self._load(key))
        return self._panels[1]

    def _load(self, key: str) -> Panels:
        if key == "batchnorm-precision":
            fields = self.seed.precision_fields()
            assert fields is not None
            return [[unmarked(field)] for field in fields]
        return list(self.seed.fields(self._spec(key)))

    def _key(self, *about: object) -> str:
        return digest(DRAWING_VERSION, *about)
