"""Films: each format plays the frames that were given, in their order, for their time."""

import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from gradviz.drawing import films
from gradviz.drawing.films import Mp4, Webp, check_film, film_of
from gradviz.drawing.inks import PALETTES
from gradviz.errors import UserError

HAS_FFMPEG = shutil.which("ffmpeg") is not None


def frames(many: int = 4, size: tuple[int, int] = (61, 41)) -> list[Image.Image]:
    """A square that moves over a slope of colours; two of them are alike."""
    made = []
    for k in range(many):
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        pixels[..., 0] = np.arange(size[0])
        start = 5 + 7 * min(k, many - 2)
        pixels[11:21, start : start + 9] = (20, 200, 90)
        made.append(Image.fromarray(pixels))
    return made


def test_a_webp_has_all_frames_without_loss_in_their_time():
    film = Webp(5, "gradviz & <all>")
    for image in frames():
        film.add(image)
    content = film.finish()
    played: Any = Image.open(io.BytesIO(content))
    assert (played.n_frames, played.size, played.info["loop"]) == (4, (61, 41), 0)
    times = []
    for found, given in zip(ImageSequence.Iterator(played), frames(), strict=True):
        found.load()
        times.append(found.info["duration"])
        np.testing.assert_array_equal(np.asarray(found.convert("RGB")), np.asarray(given))
    assert times == [200, 200, 200, 800]  # the last one stays a little longer
    assert b"gradviz &amp; &lt;all>" in content
    noise = np.random.default_rng(0).integers(0, 255, (41, 61, 3), np.uint8)
    still = [Image.fromarray(noise)] * 4
    assert len(content_of(still)) < 1.1 * len(content_of(still[:1]))  # a frame holds what has changed


def content_of(images: list[Image.Image]) -> bytes:
    film = Webp(5)
    for image in images:
        film.add(image)
    return film.finish()


@pytest.mark.skipif(not HAS_FFMPEG, reason="ffmpeg is not installed")
def test_an_mp4_plays_the_frames_and_is_the_same_each_time(tmp_path: Path):
    made = []
    for _ in range(2):
        film = Mp4(5, "of a test")
        for image in frames():
            film.add(image)
        made.append(film.finish())
    assert made[0] == made[1]
    (tmp_path / "film.mp4").write_bytes(made[0])
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "film.mp4"), str(tmp_path / "%02d.png")]
    subprocess.run(command, check=True)
    found = [np.asarray(Image.open(path).convert("RGB")).astype(int) for path in sorted(tmp_path.glob("*.png"))]
    assert len(found) == 4 + 3  # the last one stays
    for image, given in zip(found, [*frames(), *[frames()[-1]] * 3], strict=True):
        assert image.shape == (42, 62, 3)  # even sides
        assert np.abs(image[:41, :61].mean(-1) - np.asarray(given).mean(-1)).mean() < 6


def test_without_ffmpeg_one_sentence_tells_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(films.shutil, "which", lambda name: None)
    for kind in ("gif", "webp", "html"):
        check_film(kind)
    with pytest.raises(UserError, match=r"mp4 needs the program `ffmpeg`.*install it .* or choose webp or gif"):
        check_film("mp4")
    with pytest.raises(UserError, match="ffmpeg"):
        film_of("mp4", 5, PALETTES["light"], "none", "")


@pytest.mark.skipif(not HAS_FFMPEG, reason="ffmpeg is not installed")
def test_what_ffmpeg_says_is_told():
    film = Mp4(5)
    with pytest.raises(UserError, match=r"`ffmpeg` did not write the mp4: .*choose webp or gif"):
        film.finish()  # of no frame


def test_a_program_that_writes_for_nobody_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program, pid = tmp_path / "ffmpeg", tmp_path / "pid"
    pid.touch()
    program.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(films, "FFMPEG", str(program))
    film = Mp4(5, still_wanted=lambda: not pid.read_text())  # until it runs
    film.add(frames()[0])
    with pytest.raises(UserError, match="than anybody waited"):
        film.finish()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
