"""Pictures between decoding and encoding: three ways to hold the same pixels, with the same few things to do.

`Packed` is an ordinary Pillow image. `Decoded` and `Planes` hold a photograph the way JPEG does, as brightness and
colour differences. Where every output stores colours at half the resolution, that saves up to half of all resampling:
the colours of large pictures are scaled to half the resolution at once, and by cheaper filters.
"""

from typing import Protocol, Self

from PIL import Image, ImageChops

from media_pipeline.images import libwebp
from media_pipeline.images.colour import to_srgb
from media_pipeline.images.sizes import WHITE, Box, Colour

_FILTER = Image.Resampling.BICUBIC
"""Measured against LANCZOS from full resolution: HAMMING and BILINEAR fall below SSIM 0.99, LANCZOS costs 1.6 x."""
_LARGE_CHROMA_FILTER = Image.Resampling.HAMMING
"""For the colour differences of a large picture's first step, the dearest: two thirds of BICUBIC's work, 0.2 dB less.
"""
_FIRST_CHROMA_FILTER = Image.Resampling.BOX
"""For those of a small picture's first step, where they are still finer than the brightness needs: a third of it."""
_FULL_CHROMA_PIXELS = 1_000_000
"""A picture with more than these is scaled with its colours at half the resolution, as they are encoded."""
_ALMOST = 1.05
_REDUCING_GAP = 1.5
"""Shrink by a plain average only as far as this many times the target: at 1.0, SSIM is 0.961."""
_REDUCED_PIXELS = 1_500_000
"""Smaller pictures are filtered in full: what an average would save is less than what it costs a thumbnail."""
_YCBCR_TO_RGB = (
    *(1.0, 0.0, 1.402, -128 * 1.402),
    *(1.0, -0.344136, -0.714136, 128 * (0.344136 + 0.714136)),
    *(1.0, 1.772, 0.0, -128 * 1.772),
)
"""JFIF's conversion, as a matrix for `Image.convert`. It takes as long as converting from Pillow's mode YCbCr, which
cuts fractions off: that costs 0.009 of SSIM before encoding, and 0.003 after."""
FAINT = 16
"""Opacity of 255 below which nothing is published: it shows hardly anything, but has a colour in full for whoever drops
the opacity."""


class Raster(Protocol):
    """A picture that can be scaled, turned and encoded."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @property
    def has_alpha(self) -> bool:
        """Whether something shines through."""

    def resized(self, size: tuple[int, int], box: Box | None = None) -> "Raster":
        """Scale the whole picture, or the part of it in `box`."""

    def transposed(self, method: Image.Transpose) -> "Raster":
        """Turn or mirror."""

    def grey(self) -> "Raster":
        """Drop the colour."""

    def over(self, background: Colour) -> "Raster":
        """Return the picture over a background, without transparency."""

    def without_faint(self) -> "Raster":
        """Clear what is less opaque than FAINT."""

    def without_opacity(self) -> "Raster":
        """Return the colours as whoever drops the opacity sees them; black where there are none."""

    def image(self) -> Image.Image:
        """Return the picture as an encoder with transparency wants it: L, RGB or RGBA."""

    def opaque(self) -> Image.Image:
        """Return the picture as JPEG wants it: L, RGB or YCbCr; what is transparent over white."""

    def planes(self) -> libwebp.Planes | None:
        """Return the picture as WebP stores it, as far as it is held in planes; None for others."""


class _Opaque:
    """A picture from a file without transparency, such as a JPEG."""

    has_alpha = False

    def over(self, background: Colour) -> Self:  # noqa: ARG002 nothing shines through
        """Return the picture itself."""
        return self

    def without_faint(self) -> Self:
        """Return the picture itself."""
        return self

    def without_opacity(self) -> Self:
        """Return the picture itself."""
        return self


class Packed:
    """A picture as one Pillow image: L, RGB, RGBa, or before its colours are converted CMYK or LAB."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.size

    @property
    def has_alpha(self) -> bool:
        """Whether something shines through."""
        return self._image.mode == "RGBa"

    def resized(self, size: tuple[int, int], box: Box | None = None) -> "Packed":
        """Scale the whole picture, or the part of it in `box`."""
        return Packed(resize(self._image, size, box))

    def transposed(self, method: Image.Transpose) -> "Packed":
        """Turn or mirror."""
        return Packed(self._image.transpose(method))

    def grey(self) -> "Packed":
        """Drop the colour, keep the transparency."""
        if not self.has_alpha:
            return Packed(self._image.convert("L"))
        rgba = self._image.convert("RGBA")
        grey = rgba.convert("RGB").convert("L").convert("RGB")
        grey.putalpha(rgba.getchannel("A"))
        return Packed(grey.convert("RGBa"))

    def to_srgb(self, profile: bytes | None) -> "Packed":
        """Convert the colours; `self` is used up."""
        return Packed(to_srgb(self._image, profile))

    def image(self) -> Image.Image:
        """Return the picture as an encoder with transparency wants it: L, RGB or RGBA.

        Colour under full transparency is black: premultiplied there is none.
        """
        return self._image.convert("RGBA") if self.has_alpha else self._image

    def premultiplied(self) -> Image.Image:
        """Return the picture as it is held, with its colours premultiplied."""
        return self._image

    def over(self, background: Colour) -> "Packed":
        """Return the picture over a background, without transparency."""
        if not self.has_alpha:
            return self
        *colours, opacity = self._image.split()
        behind = ImageChops.invert(opacity)
        # Premultiplied colours only need the background added, by as much as shines through.
        bands = [
            ImageChops.add(colour, behind.point([round(part * level / 255) for part in range(256)]))
            for colour, level in zip(colours, background, strict=True)
        ]
        return Packed(Image.merge("RGB", bands))

    def without_faint(self) -> "Packed":
        """Clear what is less opaque than FAINT."""
        if not self.has_alpha:
            return self
        seen = self._image.getchannel("a").point([0 if level < FAINT else 255 for level in range(256)])
        cleared = Image.new("RGBa", self.size)
        cleared.paste(self._image, mask=seen)
        return Packed(cleared)

    def without_opacity(self) -> "Packed":
        """Return the colours as whoever drops the opacity sees them; black where there are none."""
        return Packed(self._image.convert("RGBA").convert("RGB")) if self.has_alpha else self

    def opaque(self) -> Image.Image:
        """Return the picture as JPEG wants it: L or RGB; what is transparent over white."""
        return self.over(WHITE)._image

    def planes(self) -> None:
        """Return nothing: it is held as one image."""


class Planes(_Opaque):
    """A photograph as brightness and its two colour differences, which may be of half the resolution.

    Half is what JPEG stores (4:2:0). It is what the first, dearest step makes of the colours; smaller pictures
    are made from those in full, which costs nothing where they are of half the sides.
    """

    def __init__(self, luma: Image.Image, chroma: tuple[Image.Image, Image.Image]) -> None:
        self._luma, self._chroma = luma, chroma

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._luma.size

    def resized(self, size: tuple[int, int], box: Box | None = None) -> "Planes":
        """Scale the whole picture, or the part of it in `box`."""
        left, top, right, bottom = box or (0, 0, *self.size)
        stored = self._chroma[0].size
        across, down = stored[0] / self.size[0], stored[1] / self.size[1]
        part = (left * across, top * down, right * across, bottom * down)
        # As fine as wanted, or as fine as there is.
        fine = min(size[0], round(part[2] - part[0])), min(size[1], round(part[3] - part[1]))
        # Of colours the plain average costs nothing that is seen, be they as few as they may.
        blue, red = (resize(plane, fine, part, reduced_above=0) for plane in self._chroma)
        return Planes(resize(self._luma, size, box), (blue, red))

    def transposed(self, method: Image.Transpose) -> "Planes":
        """Turn or mirror."""
        blue, red = (plane.transpose(method) for plane in self._chroma)
        return Planes(self._luma.transpose(method), (blue, red))

    def grey(self) -> Packed:
        """Drop the colour."""
        return Packed(self._luma)

    def image(self) -> Image.Image:
        """Return the picture as RGB, for encoders that store colours at half the resolution; else see `opaque`."""
        return _rgb(self._full_planes())

    def opaque(self) -> Image.Image:
        """Return the picture as YCbCr; a colour of half resolution stands in the four pixels that encoders average."""
        return Image.merge("YCbCr", self._full_planes())

    def planes(self) -> libwebp.Planes:
        """Return brightness, and both colour differences in half the resolution."""
        blue, red = (self._halved(plane) for plane in self._chroma)
        return self._luma, blue, red

    def _halved(self, plane: Image.Image) -> Image.Image:
        if plane.size == self.size:
            return plane.reduce(2)  # as encoders do
        return plane if plane.size == half(self.size) else plane.resize(half(self.size), _FILTER)

    def _full_planes(self) -> tuple[Image.Image, ...]:
        width, height = self.size
        planes = [self._luma]
        for plane in self._chroma:
            if plane.size == half(self.size):
                plane = plane.resize((plane.width * 2, plane.height * 2), Image.Resampling.NEAREST)
                plane = plane if plane.size == self.size else plane.crop((0, 0, width, height))
            elif plane.size != self.size:
                plane = plane.resize(self.size, Image.Resampling.BILINEAR)
            planes.append(plane)
        return tuple(planes)


class Decoded(_Opaque):
    """A photograph as the JPEG decoder left it: YCbCr, not yet taken apart."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.size

    def resized(self, size: tuple[int, int], box: Box | None = None) -> "Decoded | Planes":
        """Scale the whole picture, or the part of it in `box`."""
        box = box or (0, 0, *self.size)
        if size == self.size and box == (0, 0, *size):
            return self
        return Planes(resize(self._image.getchannel(0), size, box), self._scaled_chroma(size, box))

    def _scaled_chroma(self, size: tuple[int, int], box: Box) -> tuple[Image.Image, Image.Image]:
        """Scale the colours, in half the resolution where a picture is so large that it is half of the work."""
        if size[0] * size[1] > _FULL_CHROMA_PIXELS:
            size, spare, resampling = half(size), _ALMOST, _LARGE_CHROMA_FILTER
        else:
            spare, resampling = 1.0, _FIRST_CHROMA_FILTER
        shown = box[2] - box[0], box[3] - box[1]
        # A plain average first, as far as hardly anything has to be enlarged after it: it is ten times as fast.
        step = max(1, min(int(have * spare / wanted) for have, wanted in zip(shown, size, strict=True)))
        image = self._image.reduce(step) if step > 1 else self._image
        right, bottom = min(box[2] / step, image.width), min(box[3] / step, image.height)
        part = (box[0] / step, box[1] / step, right, bottom)
        blue, red = (resize(image.getchannel(band), size, part, resampling) for band in (1, 2))
        return blue, red

    def transposed(self, method: Image.Transpose) -> "Decoded":
        """Turn or mirror."""
        return Decoded(self._image.transpose(method))

    def grey(self) -> Packed:
        """Drop the colour."""
        return Packed(self._image.getchannel(0))

    def image(self) -> Image.Image:
        """Return the picture as RGB."""
        return _rgb(self._image.split())

    def opaque(self) -> Image.Image:
        """Return the picture as YCbCr."""
        return self._image

    def planes(self) -> libwebp.Planes:
        """Return brightness, and both colour differences in half the resolution."""
        luma, blue, red = self._image.split()
        return luma, blue.reduce(2), red.reduce(2)


def _rgb(planes: tuple[Image.Image, ...]) -> Image.Image:
    return Image.merge("RGB", planes).convert("RGB", _YCBCR_TO_RGB)


def half(size: tuple[int, int]) -> tuple[int, int]:
    """Return the sides of JPEG's colour planes (4:2:0)."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def resize(
    image: Image.Image,
    size: tuple[int, int],
    box: Box | None = None,
    resampling: Image.Resampling = _FILTER,
    *,
    reduced_above: int = _REDUCED_PIXELS,
) -> Image.Image:
    """Scale an image, or the part of it in `box`; with more pixels than `reduced_above`, by a plain average first."""
    if size == image.size and box in (None, (0, 0, *size)):
        return image
    gap = _REDUCING_GAP if image.width * image.height > reduced_above else None
    return image.resize(size, resampling, box=box, reducing_gap=gap)
