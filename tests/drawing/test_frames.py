"""The stream of frames, decoded here as a browser decodes it."""

import json
import struct
import zlib
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradviz.drawing import frames
from gradviz.landscape import GradientField, ZeroReason, zero_message
from tests.drawing.fields import field_of, random_field


def blocks_of(content: bytes) -> list[bytes]:
    blocks = []
    while content:
        (length,) = struct.unpack_from("<I", content)
        blocks.append(content[4 : 4 + length])
        assert len(blocks[-1]) == length
        content = content[4 + length :]
    return blocks


def decode(block: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    (header_bytes,) = struct.unpack_from("<I", block)
    assert header_bytes % 4 == 0
    about = json.loads(block[4 : 4 + header_bytes])
    numbers = block[4 + header_bytes :]
    size = len(numbers) // 14
    arrays = {name: np.frombuffer(numbers, "<f4", size, 4 * k * size) for k, name in enumerate(("u", "v", "loss"))}
    arrays |= {name: np.frombuffer(numbers, "u1", size, (12 + k) * size) for k, name in enumerate(("zero", "reason"))}
    return about, arrays


def test_a_frame_carries_the_field_bit_for_bit() -> None:
    field = random_field(3)
    about, arrays = decode(frames.frame(7, field))
    assert about["index"] == 7
    assert (about["x"], about["y"], about["share_below"], about["num_rows"]) == (0.5, 0.0, 0.25, 64)
    for name, expected in (("u", field.u), ("v", field.v), ("loss", field.loss), ("reason", field.zero_reason)):
        np.testing.assert_array_equal(arrays[name], expected.ravel())
    np.testing.assert_array_equal(arrays["zero"].astype(bool), field.is_zero.ravel())


def test_a_frame_says_why_all_is_zero_where_the_two_components_have_different_reasons() -> None:
    zeros = np.zeros((3, 3))
    field = field_of(zeros, zeros, is_zero=np.ones((3, 3)))
    two = replace(field, v_reason=np.full((3, 3), ZeroReason.NOT_REACHED))
    sentence = zero_message(ZeroReason.DEAD_UNIT, ZeroReason.NOT_REACHED)
    assert decode(frames.frame(0, two))[0]["zero_words"] == sentence
    assert "zero_words" not in decode(frames.frame(0, field))[0]
    assert "zero_words" not in decode(frames.frame(0, replace(two, is_zero=np.eye(3, dtype=bool))))[0]


def test_a_frame_says_where_one_component_alone_is_zero() -> None:
    reason = np.zeros((3, 3), np.uint8)
    reason[1, 1] = reason[2, 2] = ZeroReason.TERMS_CANCEL
    both = np.zeros((3, 3), bool)
    both[2, 2] = True
    none = np.zeros((3, 3), np.uint8)
    field = replace(random_field(3), u_reason=none, v_reason=reason, is_zero=both)
    parts = decode(frames.frame(0, field))[0]["zero_parts"]
    bits = {
        name: np.unpackbits(np.frombuffer(bytes.fromhex(text), "u1"), count=9, bitorder="little")
        for name, text in parts.items()
    }
    assert bits["v"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]  # at (2, 2) the whole arrow is
    assert not bits["u"].any()
    assert "zero_parts" not in decode(frames.frame(0, random_field(3)))[0]


def test_what_is_kept_is_sent_as_it_lies_there() -> None:
    """The frame is that of the field; its numbers are a piece of the bytes that the cache gave."""
    kept = replace(random_field(3), u_reason=np.full((3, 3), 2, np.uint8)).to_bytes()
    field = GradientField.from_bytes(kept, is_checked=True)
    assert all(np.shares_memory(array, np.frombuffer(kept, np.uint8)) for array in (field.x, field.u, field.u_reason))
    made = frames.frame_of(7, kept)
    assert made == frames.frame(7, field)
    assert kept[kept.index(field.u.tobytes()) :].startswith(made[-9 * 14 :])


def test_a_stream_is_a_header_and_one_block_a_frame() -> None:
    stream = b"".join(
        frames.stream({"over": "epochs"}, [frames.frame(0, random_field(3)), frames.missing_frame(1, "gone")])
    )
    header, first, second = blocks_of(stream)
    assert json.loads(header) == {"over": "epochs"}
    assert decode(first)[0]["index"] == 0
    assert decode(second)[0] == {"index": 1, "error": "gone"}


def test_a_packed_stream_can_be_read_block_by_block() -> None:
    blocks = [frames.frame(k, random_field(3)) for k in range(3)]
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    packed = frames.gzipped(frames.stream({}, blocks))
    first, *rest = [reader.decompress(part) for part in packed]
    assert blocks_of(first) == [b"{}"]
    assert blocks_of(b"".join(rest)) == blocks


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(0, 200))
def test_the_frame_looked_at_comes_first_and_its_neighbours_next(indices: set[int], first: int) -> None:
    order = frames.nearest_first(indices, first)
    assert set(order) == indices
    distances = [abs(index - first) for index in order]
    assert distances == sorted(distances)
