"""Fingerprints of an animation's frames: small enough to hold for all frames, fine enough to tell pictures apart.

A fingerprint is fine where a coarser one could be fooled: a blurred copy of a picture, or one whose colours are
shuffled in small areas, has the same averages over large areas. At SIDE points a side the averages are those of a
thumbnail that Rekognition would still take (80 px), and the averages of the squares tell a plain area from a pattern
that is too fine for them.
"""

from collections.abc import Iterator, Sequence

from PIL import Image, ImageChops

SIDE = 128
"""Points a side at which brightness is compared; colours, opacity and squares at half of that."""
_SIDE_OF_MANY, _MANY = 64, 500
"""The same for a film of more frames than that: 10,000 fingerprints of 64 points take 80 MB."""
NOTICEABLE = 12
"""Levels of 255 by which the most different point must differ; less is the encoder's noise, or a slow fade."""
STILL = 3.0
"""Levels by which coarse fingerprints may differ on average and still be of one picture: grain does, movement does not.
"""
_COARSE = 8  # points of a fingerprint a side that make one of its coarse version
_SQUARES = [round(level * level / 255) for level in range(256)]


class Fingerprints:
    """The frames of one film as far as they are compared; frames are numbered in the order in which they are added."""

    def __init__(self, frames: int) -> None:
        self._side = SIDE if frames <= _MANY else _SIDE_OF_MANY
        self._fine: list[Image.Image] = []
        self._coarse: list[bytes] = []
        self._known: dict[tuple[int, int], int] | None = {} if frames <= _MANY else None
        """Differences by pair, most of which are asked for more than once; those of many frames would fill memory."""

    def add(self, image: Image.Image) -> None:
        """Take the fingerprint of the next frame: a picture in L, RGB, RGBA or RGBa (premultiplied)."""
        premultiplied = image.convert("RGBa") if image.mode == "RGBA" else image
        side, half = self._side, self._side // 2
        rgb = _colours(premultiplied)
        opacity = premultiplied.getchannel("a") if premultiplied.mode == "RGBa" else None
        small = _averaged(rgb, side).convert("YCbCr")
        squares = rgb.convert("L").point(_SQUARES)
        canvas = Image.new("L", (side, 2 * side), 255)
        canvas.paste(small.getchannel(0), (0, 0))
        canvas.paste(small.getchannel(1).reduce(2), (0, side))
        canvas.paste(small.getchannel(2).reduce(2), (half, side))
        canvas.paste(_averaged(squares, half), (0, side + half))
        if opacity is not None:
            canvas.paste(_averaged(opacity, half), (half, side + half))
        self._fine.append(canvas)
        self._coarse.append(canvas.reduce(_COARSE).tobytes())

    def same(self, number: int, others: Sequence[int]) -> Iterator[int]:
        """Yield those of `others` in which nothing noticeable is different from frame `number`."""
        for other, average in self._averages(number, others):
            # The average is no more than the largest difference; it is rounded.
            if average <= NOTICEABLE and self.difference(number, other) < NOTICEABLE:
                yield other

    def alike(self, number: int, others: Sequence[int]) -> Iterator[int]:
        """Yield those of `others` that differ from frame `number` by grain alone."""
        return (other for other, average in self._averages(number, others) if average <= STILL)

    def difference(self, one: int, other: int) -> int:
        """Return by how many levels of 255 two frames differ at their most different point."""
        pair = (one, other) if one < other else (other, one)
        if self._known is None:
            return self._measured(*pair)
        if pair not in self._known:
            self._known[pair] = self._measured(*pair)
        return self._known[pair]

    def _measured(self, one: int, other: int) -> int:
        _, most = ImageChops.difference(self._fine[one], self._fine[other]).getextrema()
        return int(most)  # type: ignore[arg-type] # a picture of one channel has one pair

    def _averages(self, number: int, others: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield each of the others with the average difference of the coarse fingerprints; all at once is quicker."""
        if not others:
            return iter(())
        width, height = self._side // _COARSE, 2 * self._side // _COARSE
        size = width, height * len(others)
        strip = Image.frombytes("L", size, b"".join([self._coarse[other] for other in others]))
        tiled = Image.frombytes("L", size, self._coarse[number] * len(others))
        levels = ImageChops.difference(strip, tiled).reduce((width, height)).tobytes()
        return zip(others, levels, strict=True)


def _colours(image: Image.Image) -> Image.Image:
    """Return the colours of a picture in L, RGB or RGBa as RGB; those of RGBa stay premultiplied."""
    if image.mode == "RGBa":
        return Image.merge("RGB", image.split()[:3])
    return image if image.mode == "RGB" else image.convert("RGB")


def _averaged(image: Image.Image, side: int) -> Image.Image:
    """Return a square of averages; whole pixels are averaged first, which takes half of the time."""
    return image.resize((side, side), Image.Resampling.BOX, reducing_gap=1.0)
