"""For every published rendition there is a judged proxy that shows the same, at half its scale or more.

Stated measure: at half the scale of the proxy, or of the rendition where that is smaller, no block of 4 x 4 pixels
differs by more than BLOCK levels on average, in brightness or in either colour difference. Half, since JPEG, WebP and
AVIF hold colours at half the resolution. A drawing that a person could recognise leaves more than that.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from media_pipeline.images.proxies import MIN_SIDE
from media_pipeline.images.renditions import Rendition, Size, Specs
from media_pipeline.images.sizes import Target
from tests.unit.images.drawing import opened, rendered, saved

BLOCK = 64.0
LEAST_SCALE = 0.5
LEAST_SIDE = 32
"""Pixels: in a narrower rendition there is nothing to recognise."""
OPACITIES = (0, 3, 8, 15, 16, 40, 128, 200, 255)
BACKGROUNDS = ((255, 255, 255), (0, 0, 0), (128, 128, 128))


@dataclass(frozen=True)
class Upload:
    """A picture that is drawn, and how it is uploaded."""

    size: tuple[int, int]
    seed: int
    has_alpha: bool
    frames: int
    format_name: str
    samples: Literal["8 bits", "palette", "16 bits"] = "8 bits"

    def draw(self) -> bytes:
        rng = random.Random(self.seed)
        drawn = [self._stored(self._frame(rng)) for _ in range(self.frames)]
        options: dict[str, object] = {"lossless": True} if self.format_name == "WEBP" else {}
        if self.frames > 1:
            options |= {"save_all": True, "append_images": drawn[1:], "duration": 100}
        return saved(drawn[0], self.format_name, **options)

    def _stored(self, image: Image.Image) -> Image.Image:
        """Return the picture as the file stores it: by a palette, in PNG with opacities, or in 16-bit grey."""
        if self.samples == "palette":
            image = image if self.format_name == "PNG" else image.convert("RGB")
            return image.quantize(64, method=Image.Quantize.FASTOCTREE)
        if self.samples == "16 bits":
            return image.convert("L").convert("I").point(lambda level: level * 257).convert("I;16")
        return image

    def _frame(self, rng: random.Random) -> Image.Image:
        """Rectangles of all sizes and opacities; the colours under full transparency are strong ones."""
        width, height = self.size
        image = Image.new("RGBA", self.size, self._colour(rng))
        draw = ImageDraw.Draw(image)
        for _ in range(12):
            x, y = rng.randrange(width), rng.randrange(height)
            across, down = rng.randint(width // 8, width // 2), rng.randint(height // 8, height // 2)
            draw.rectangle((x, y, x + across, y + down), fill=self._colour(rng))
        # Something in the very middle, which crops show.
        short = min(self.size)
        left, top = (width - short) // 2, (height - short) // 2
        draw.rectangle((left, top, left + short // 2, top + short // 2), fill=self._colour(rng))
        return image if self.has_alpha else image.convert("RGB")

    def _colour(self, rng: random.Random) -> tuple[int, int, int, int]:
        opacity = rng.choice(OPACITIES) if self.has_alpha else 255
        return rng.randrange(256), rng.randrange(256), rng.randrange(256), opacity


sides = st.integers(1, 400)
short_sides, long_sides = st.integers(1, 60), st.integers(1_000, 30_000)
shapes = st.one_of(
    st.tuples(sides, sides), st.tuples(short_sides, long_sides), st.tuples(long_sides, short_sides)
)
stills = st.builds(
    Upload,
    size=shapes,
    seed=st.integers(0, 1 << 30),
    has_alpha=st.booleans(),
    frames=st.just(1),
    format_name=st.sampled_from(["PNG", "TIFF"]),
    samples=st.sampled_from(["8 bits", "8 bits", "palette", "16 bits"]),
)
animations = st.builds(
    Upload,
    size=st.tuples(sides, sides),
    seed=st.integers(0, 1 << 30),
    has_alpha=st.booleans(),
    frames=st.integers(2, 4),
    format_name=st.sampled_from(["WEBP", "PNG", "GIF"]),
)
edges = st.integers(1, 600)
sizes = st.lists(
    st.one_of(edges, st.builds(lambda w, h: {"width": w, "height": h, "fit": "cover"}, edges, edges)),
    min_size=1,
    max_size=3,
)
wanted = st.builds(
    lambda sizes, formats, transparency, background, grayscale: Specs(
        sizes=tuple(Size.parse(f"size-{number}", size) for number, size in enumerate(sizes)),
        formats=tuple(formats),
        quality={"jpeg": 95, "webp": 95, "avif": 95},
        transparency=transparency,
        background=background,
        grayscale=grayscale,
    ),
    sizes,
    st.lists(st.sampled_from(["jpeg", "png", "webp", "avif"]), min_size=1, max_size=2, unique=True),
    st.sampled_from(["flatten", "keep"]),
    st.sampled_from([(255, 255, 255), (20, 90, 200)]),
    st.sampled_from([False, False, True]),
)


@given(upload=st.one_of(stills, animations), specs=wanted)
@example(  # a crop that is published at more than twice the scale at which the whole can be judged
    upload=Upload((60, 25_000), 1, has_alpha=False, frames=1, format_name="PNG"),
    specs=Specs(
        sizes=(Size(name="size-0", width=600), Size(name="size-1", width=60, height=45, fit="cover")),
        formats=("png",),
        quality={},
    ),
)
@example(  # what shows over mid grey, or without its opacity
    upload=Upload((200, 150), 5, has_alpha=True, frames=1, format_name="PNG"),
    specs=Specs(sizes=(Size(name="size-0", width=200),), formats=("png",), quality={}, transparency="keep"),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_rendition_looks_like_a_judged_proxy_in_every_way_it_can_be_shown(
    upload: Upload, specs: Specs
) -> None:
    result = rendered(upload.draw(), specs)
    proxies = [opened(proxy).convert("RGB") for proxy in result.proxies]
    targets = [size.target(*upload.size) for size in specs.sizes]
    for number, made in enumerate(result.renditions):
        target = targets[number // len(specs.formats)]
        if min(target.width, target.height) < LEAST_SIDE:
            continue
        for shown in appearances(made, specs):
            least = min(
                difference(shown, seen, grayscale=specs.grayscale)
                for proxy in proxies
                for seen in parts(proxy, target, targets, upload.size)
            )
            assert least <= BLOCK, (made.name, made.format, target)


def appearances(made: Rendition, specs: Specs) -> Iterator[Image.Image]:
    """Each way in which each frame of a rendition can be shown."""
    image = opened(made.data)
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        picture = image.convert("RGBA")
        if picture.getchannel("A").getextrema() == (255, 255):
            yield picture.convert("RGB")
            continue
        assert specs.transparency == "keep"
        for background in BACKGROUNDS:
            canvas = Image.new("RGBA", picture.size, background)
            canvas.alpha_composite(picture)
            yield canvas.convert("RGB")
        # Lossy formats leave a little of the colours around it where nothing is opaque.
        bare = Image.new("RGB", picture.size)
        bare.paste(
            picture.convert("RGB"), mask=picture.getchannel("A").point(lambda level: 255 * (level > 8))
        )
        yield bare


def parts(
    proxy: Image.Image, target: Target, targets: Sequence[Target], original: tuple[int, int]
) -> Iterator[Image.Image]:
    """What a proxy may show of a target: its window in the whole picture, or in another target judged by itself."""
    largest = max(other.frame for other in targets)
    shown = [(largest, largest), *(((other.width, other.height), other.frame) for other in targets)]
    for (width, height), frame in shown:
        scale = min(1.0, proxy.width / width, proxy.height / height)
        content = max(1, int(width * scale)), max(1, int(height * scale))
        if proxy.size != (max(MIN_SIDE, content[0]), max(MIN_SIDE, content[1])):
            continue
        published = max(frame) / max(target.frame) * scale  # pixels of the proxy for each published one
        across = target.width / target.frame[0] * frame[0] * scale
        down = target.height / target.frame[1] * frame[1] * scale
        if published < LEAST_SCALE * 0.99 or across > content[0] + 1 or down > content[1] + 1:
            continue
        left, top = ((side - part) // 2 for side, part in zip(proxy.size, content, strict=True))
        x, y = max(0.0, (content[0] - across) / 2), max(0.0, (content[1] - down) / 2)
        if content == target.frame:
            x, y = x // 1, y // 1  # a cut is made between whole pixels
        box = (left + x, top + y, left + min(content[0], x + across), top + min(content[1], y + down))
        fewer = min(1.0, published)
        size = max(1, round(target.width * fewer)), max(1, round(target.height * fewer))
        yield proxy.resize(size, Image.Resampling.BOX, box=box)


def difference(shown: Image.Image, seen: Image.Image, *, grayscale: bool) -> float:
    """Levels by which the most different block of 4 x 4 pixels differs on average, at half the scale."""
    space = "L" if grayscale else "YCbCr"
    shown, seen = shown.convert(space), seen.convert(space)
    half = max(1, seen.width // 2), max(1, seen.height // 2)
    blocks = max(1, half[0] // 4), max(1, half[1] // 4)
    one, other = (image.resize(half, Image.Resampling.BOX) for image in (shown, seen))
    averages = ImageChops.difference(one, other).resize(blocks, Image.Resampling.BOX)
    extrema = averages.getextrema()
    pairs = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return max(float(highest) for _, highest in pairs)
