"""Pictures between decoding and encoding: two ways to hold the same pixels, with the same few things to do.

`Packed` is an ordinary Pillow image. `Planes` holds a photograph the way JPEG does: brightness in full, colour
at half the resolution both ways. Where the only output is JPEG, which stores it so anyhow, that saves half of all
resampling, and nothing is converted to RGB and back.
"""

from typing import Protocol

from PIL import Image

from media_pipeline.colour import to_srgb
from media_pipeline.sizes import Box

_FILTER = Image.Resampling.BICUBIC
"""Measured against LANCZOS from full resolution: HAMMING and BILINEAR fall below SSIM 0.99, LANCZOS costs 1.6 x."""
_REDUCING_GAP = 1.5
"""Shrink by a plain average only as far as this many times the target: at 1.0, SSIM is 0.961."""
_WHITE = (255, 255, 255)


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

    def image(self) -> Image.Image:
        """Return the picture as an encoder with transparency wants it: L, RGB or RGBA."""

    def opaque(self, background: tuple[int, int, int] = _WHITE) -> Image.Image:
        """Return the picture over a background as JPEG wants it: L, RGB or YCbCr."""


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

    def opaque(self, background: tuple[int, int, int] = _WHITE) -> Image.Image:
        """Return the picture over a background as JPEG wants it: L or RGB."""
        if not self.has_alpha:
            return self._image
        rgba = self._image.convert("RGBA")
        canvas = Image.new("RGB", self.size, background)
        canvas.paste(rgba, mask=rgba.getchannel("A"))
        return canvas


class Planes:
    """A photograph as brightness, and its two colour differences at half the resolution both ways."""

    has_alpha = False

    def __init__(self, luma: Image.Image, blue: Image.Image, red: Image.Image) -> None:
        self._luma, self._blue, self._red = luma, blue, red

    @classmethod
    def split(cls, image: Image.Image) -> "Planes":
        """Take a YCbCr image apart."""
        luma = image.getchannel(0)
        halved = image.reduce(2)
        return cls(luma, halved.getchannel(1), halved.getchannel(2))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._luma.size

    def resized(self, size: tuple[int, int], box: Box | None = None) -> "Planes":
        """Scale the whole picture, or the part of it in `box`."""
        halved = (size[0] + 1) // 2, (size[1] + 1) // 2
        left, top, right, bottom = box or (0, 0, *self.size)
        across, down = self._blue.size
        # An odd side's last pixel shares its colour with none: half a pixel, which the eye cannot see.
        part = (left / 2, top / 2, min(right / 2, across), min(bottom / 2, down))
        return Planes(
            resize(self._luma, size, box),
            resize(self._blue, halved, part),
            resize(self._red, halved, part),
        )

    def transposed(self, method: Image.Transpose) -> "Planes":
        """Turn or mirror."""
        return Planes(*(plane.transpose(method) for plane in (self._luma, self._blue, self._red)))

    def grey(self) -> Packed:
        """Drop the colour."""
        return Packed(self._luma)

    def image(self) -> Image.Image:
        """Return the picture as RGB, its colour interpolated smoothly."""
        return self._merged(Image.Resampling.BILINEAR).convert("RGB")

    def opaque(self, background: tuple[int, int, int] = _WHITE) -> Image.Image:  # noqa: ARG002 nothing shines through
        """Return the picture as YCbCr; each colour stands in four pixels, of which the encoder takes the mean."""
        return self._merged(Image.Resampling.NEAREST)

    def _merged(self, resampling: Image.Resampling) -> Image.Image:
        width, height = self.size
        across, down = self._blue.size
        planes = [self._luma]
        for plane in (self._blue, self._red):
            doubled = plane.resize((across * 2, down * 2), resampling)
            planes.append(doubled if doubled.size == self.size else doubled.crop((0, 0, width, height)))
        return Image.merge("YCbCr", planes)


def resize(image: Image.Image, size: tuple[int, int], box: Box | None = None) -> Image.Image:
    """Scale an image, or the part of it in `box`, with the pipeline's one filter."""
    if size == image.size and box in (None, (0, 0, *size)):
        return image
    return image.resize(size, _FILTER, box=box, reducing_gap=_REDUCING_GAP)
