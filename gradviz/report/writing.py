"""Writes a report: findings.json, findings.md, findings.html, and the pictures in findings/."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradviz.drawing.multiples import scene_animation, scene_still
from gradviz.evidence.gathering import loop_fields
from gradviz.evidence.precision import unmarked
from gradviz.evidence.scenes import LINEAR_BATCHNORM, SceneSpec
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.report.captions import PRECISION
from gradviz.report.chart import Chart, plotly_figure, still
from gradviz.report.charts import charts_of
from gradviz.report.contents import TITLE, contents
from gradviz.report.document import Block, Picture
from gradviz.report.findings import Findings, findings_bytes, findings_of
from gradviz.report.machine import this_machine
from gradviz.report.markdown import markdown
from gradviz.report.measuring import Measuring, OnMessage
from gradviz.report.page import Interactive, page
from gradviz.report.parts import Parts, digest, write_if_changed
from gradviz.report.standalone import figure_block, frames_block

NAME = "findings"
DRAWING_VERSION = 3
"""Part of the key of every picture: raised whenever the same numbers would be drawn in another way."""

Panels = list[list[GradientField]]


def write_report(directory: Path, seeds: Sequence[Measuring], on_message: OnMessage) -> Findings:
    """Measures what is missing and writes what has changed; the pictures show the first of the `seeds`.

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


@dataclass(frozen=True)
class _Planes:
    """A picture of landscapes: what it shows under which names, what it is made from, and how its fields load."""

    requests: list[LandscapeRequest]
    names: list[tuple[str, str]]
    made_from: list[object]
    moving: bool
    load: Callable[[], Panels]


def _planes_of(seed: Measuring) -> dict[str, _Planes]:
    """By the key of the picture: the pictures of the source, and the two precisions of one of them."""
    planes = {spec.design.key: _scene_planes(seed, spec) for spec in seed.scenes}
    linear = next((spec for spec in seed.scenes if spec.design is LINEAR_BATCHNORM), None)
    return planes if linear is None else planes | {PRECISION: _precision_planes(seed, linear)}


def _scene_planes(seed: Measuring, spec: SceneSpec) -> _Planes:
    design = spec.design
    return _Planes(
        spec.requests(),
        list(design.pairs),
        [seed.compute.store.run(spec.run).address(spec.epoch), design.num_minibatches],
        design.num_minibatches > 1,
        lambda: list(seed.fields(spec)),
    )


def _precision_planes(seed: Measuring, spec: SceneSpec) -> _Planes:
    linear, loops = _scene_planes(seed, spec), loop_fields(seed.studied)
    return _Planes(
        [loop.request for loop in loops],
        [(loop.precision, "") for loop in loops],
        linear.made_from,
        False,
        lambda: [[unmarked(field)] for field in seed.loop_fields()],
    )


class _Pictures:
    """Draws the pictures of one seed, each when it is asked for and only if it is not there yet."""

    def __init__(self, parts: Parts, seed: Measuring, charts: dict[str, Chart], on_message: OnMessage) -> None:
        self.parts, self.charts, self.on_message = parts, charts, on_message
        self.planes = _planes_of(seed)
        self._panels: tuple[str, Panels] = ("", [])

    def still(self, key: str) -> bytes:
        """png"""
        if key in self.charts:
            chart = self.charts[key]
            return self.parts.once(f"{key}.png", self._key(repr(chart)), lambda: still(chart))
        return self._draw(f"{key}.png", key, scene_still)

    def animation(self, key: str) -> bytes | None:
        """gif of a picture that has several minibatches."""
        if key in self.charts or not self.planes[key].moving:
            return None
        return self._draw(f"{key}.gif", key, scene_animation)

    def interactive(self, key: str) -> Interactive:
        """The data that the page draws."""
        if key in self.charts:
            return Interactive((figure_block(plotly_figure(self.charts[key])),), moving=False)
        return Interactive(
            tuple(
                frames_block(request, dict(enumerate(fields)))
                for request, fields in zip(self.planes[key].requests, self._fields(key), strict=True)
            ),
            moving=True,
        )

    def _draw(self, name: str, key: str, draw: Callable[[Panels, list[tuple[str, str]]], bytes]) -> bytes:
        planes = self.planes[key]

        def make() -> bytes:
            self.on_message(f"drawing {name}")
            return draw(self._fields(key), planes.names)

        about = [request.canonical() for request in planes.requests]
        return self.parts.once(name, self._key(*about, *planes.made_from), make)

    def _fields(self, key: str) -> Panels:
        """Of one picture at a time: all of them together would take the memory of a model."""
        if self._panels[0] != key:
            self._panels = (key, self.planes[key].load())
        return self._panels[1]

    def _key(self, *about: object) -> str:
        return digest(DRAWING_VERSION, *about)
