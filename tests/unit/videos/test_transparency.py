"""Transparent videos are composed over the background, and what transparency hides is never published."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from media_pipeline.errors import RejectedError
from tests.unit.videos.filming import SIZE, encode_with_alpha, plain
from tests.unit.videos.publishing import Colour, element, near, pixel, publish

GREEN, MAGENTA = (0, 160, 0), (255, 0, 255)


def drawn_with_alpha(path: Path, codec: str, pixels: str, opaque: int = 255) -> None:
    """Encode a green square; around it everything is magenta and fully transparent."""
    image = Image.new("RGBA", SIZE, (*MAGENTA, 0))
    image.paste((*GREEN, opaque), (40, 30, 120, 90))
    encode_with_alpha(path, codec, pixels, image)


ALPHA = [
    ("a.webm", "libvpx", "yuva420p"),
    ("b.webm", "libvpx-vp9", "yuva420p"),
    ("c.mkv", "libvpx", "yuva420p"),
    ("d.mov", "prores_ks", "yuva444p10le"),
]


@pytest.mark.parametrize(("name", "codec", "pixels"), ALPHA)
def test_hidden_colours_of_a_transparent_video_are_not_published(
    name: str, codec: str, pixels: str, tmp_path: Path
) -> None:
    drawn_with_alpha(tmp_path / name, codec, pixels)
    for _, image in publish(tmp_path / name).frames:
        assert min(pixel(image, 10, 10)) > 245, "the background is white"
        assert near(pixel(image, 80, 60), GREEN, 24)
        # At the edge nothing of the hidden magenta is mixed in: green falls as little as red and blue rise.
        for x in range(34, 46):
            red, green, blue = pixel(image, x, 60)
            assert green > min(red, blue) - 30, (x, red, green, blue)


@pytest.mark.parametrize("background", [(255, 255, 255), (200, 30, 40)])
def test_half_transparent_video_is_composed_over_the_background(background: Colour, tmp_path: Path) -> None:
    drawn_with_alpha(tmp_path / "a.mov", "prores_ks", "yuva444p10le", opaque=128)
    half = tuple((level + behind) // 2 for level, behind in zip(GREEN, background, strict=True))
    shown = publish(tmp_path / "a.mov", background=background).at(0.2)
    assert near(pixel(shown, 80, 60), half, 16)
    assert near(pixel(shown, 10, 10), background, 12)


def test_hidden_colours_are_not_mixed_in_when_a_transparent_video_is_scaled_down(tmp_path: Path) -> None:
    image = Image.new("RGBA", SIZE, (*MAGENTA, 0))
    for left in range(0, SIZE[0], 2):
        image.paste((*GREEN, 255), (left, 0, left + 1, SIZE[1]))
    encode_with_alpha(tmp_path / "a.mov", "prores_ks", "yuva444p10le", image)
    half = tuple((level + 255) // 2 for level in GREEN)
    assert near(pixel(publish(tmp_path / "a.mov", lines=30).at(0.2), 20, 15), half, 20)


def encode_hevc(path: Path) -> bytes:
    """Encode a video in HEVC; return the file, in which x265's note about itself is an SEI message of type 5."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx265", rate=10, options={"x265-params": "log-level=none"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(VideoFrame.from_image(plain(GREEN, SIZE))))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    return path.read_bytes()


X265_NOTE = bytes.fromhex("2ca2de09b51747dbbb55a4fe7fc2fc4e")  # its identifier, after type and size


@pytest.mark.parametrize("name", ["a.mp4", "b.mov", "c.mkv"])
def test_hevc_that_announces_transparency_which_is_not_decoded_is_refused(name: str, tmp_path: Path) -> None:
    data = encode_hevc(tmp_path / name)
    assert publish(tmp_path / name).frames
    start = data.index(X265_NOTE)
    kind = data.rindex(b"\x4e\x01\x05", 0, start) + 2  # an SEI unit's header, and the type
    for flag, is_refused in ((0x2C, True), (0xAC, False)):  # the second one cancels it
        changed = bytearray(data)
        changed[kind], changed[start] = 165, flag
        (tmp_path / name).write_bytes(changed)
        if not is_refused:
            assert publish(tmp_path / name).frames
            continue
        with pytest.raises(RejectedError, match="transparent in a layer of HEVC") as refused:
            publish(tmp_path / name)
        assert refused.value.reason == "unsupported_type"


def white_vp8(size: tuple[int, int]) -> bytes:
    """Return one VP8 key frame."""
    encoder: Any = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 10)
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    frame: Any = VideoFrame.from_image(plain((255, 255, 255), size))  # type: ignore[no-untyped-call]
    frame.pts, frame.time_base = 0, Fraction(1, 10)
    (packet,) = encoder.encode(frame)
    return bytes(packet)


def with_transparency_of(size: tuple[int, int], path: Path) -> None:
    """Write a WebM of one white frame of 160 x 120 px whose transparency, which is all opaque, has another size."""
    width, height = (side.to_bytes(2, "big") for side in SIZE)
    video = element(0xE0, element(0xB0, width) + element(0xBA, height) + element(0x53C0, b"\1"))
    track = (
        element(0xD7, b"\1") + element(0x73C5, b"\1") + element(0x83, b"\1") + element(0x86, b"V_VP8") + video
    )
    addition = element(0xA6, element(0xEE, b"\1") + element(0xA5, white_vp8(size)))
    block = element(0xA1, b"\x81\0\0\0" + white_vp8(SIZE)) + element(0x75A1, addition)
    cluster = element(0x1F43B675, element(0xE7, b"\0") + element(0xA0, block + element(0x9B, b"\x64")))
    info = element(0x1549A966, element(0x2AD7B1, (1_000_000).to_bytes(3, "big")))
    segment = element(0x18538067, info + element(0x1654AE6B, element(0xAE, track)) + cluster)
    path.write_bytes(element(0x1A45DFA3, element(0x4282, b"webm")) + segment)


def test_transparency_of_another_size_than_the_picture_is_refused(tmp_path: Path) -> None:
    with_transparency_of(SIZE, tmp_path / "a.webm")
    assert min(pixel(publish(tmp_path / "a.webm").at(0.0), 80, 60)) > 240
    with_transparency_of((80, 60), tmp_path / "b.webm")
    with pytest.raises(RejectedError, match="transparency 80 x 60") as refused:
        publish(tmp_path / "b.webm")
    assert refused.value.reason == "corrupt"


def test_transparency_that_claims_too_many_pixels_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    drawn_with_alpha(tmp_path / "a.webm", "libvpx", "yuva420p")
    data = bytearray((tmp_path / "a.webm").read_bytes())
    starts = [at for at in range(len(data)) if data[at : at + 3] == b"\x9d\x01\x2a"]
    assert len(starts) >= 2, "a key frame of the picture and one of its transparency"
    data[starts[1] + 3 : starts[1] + 7] = struct.pack("<HH", 16_383, 16_383)
    (tmp_path / "b.webm").write_bytes(data)
    with pytest.raises(RejectedError) as refused:
        publish(tmp_path / "b.webm")
    assert refused.value.reason == "corrupt"
