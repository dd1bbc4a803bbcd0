"""WebP from planes, by the libwebp that Pillow ships (docs/adr/0078).

A lossy WebP stores what a JPEG does: brightness, and its two colour differences in half the resolution. Pillow's
encoder takes RGB alone, so a photograph that is held as planes would be converted twice. Here they go to libwebp as
they are.

The declarations follow libwebp's `webp/encode.h`; `_ABI` is the version of its structures, which libwebp compares.
"""

import ctypes
from functools import cache

from PIL import Image

_ABI = 0x0210
_FUNCTIONS = (
    "WebPConfigInitInternal",
    "WebPPictureInitInternal",
    "WebPMemoryWriterInit",
    "WebPMemoryWrite",
    "WebPEncode",
    "WebPMemoryWriterClear",
    "WebPPictureFree",
)
_DEFAULT_PRESET, _DEFAULT_QUALITY = 0, 75.0  # libwebp's own
_OUT_OF_MEMORY = frozenset({1, 2})
"""`WebPEncodingError`: no memory for what is encoded, or for the file."""
_LUMA = [round(16 + level * 219 / 255) for level in range(256)]
_CHROMA = [round(128 + (level - 128) * 224 / 255) for level in range(256)]
"""From JPEG's range of values (JFIF: 0 to 255) to WebP's (RFC 6386 9.2, ITU-R BT.601: 16 to 235, and 16 to 240)."""

Planes = tuple[Image.Image, Image.Image, Image.Image]
"""Brightness, and its differences to blue and to red, these with half of its sides, rounded up: images of mode L."""


class _Config(ctypes.Structure):
    """`WebPConfig`: how to encode."""

    _fields_ = (
        ("lossless", ctypes.c_int),
        ("quality", ctypes.c_float),
        ("method", ctypes.c_int),
        ("others", ctypes.c_int * 26),
    )


class _Picture(ctypes.Structure):
    """`WebPPicture`: what to encode, and where it goes."""

    _fields_ = (
        ("use_argb", ctypes.c_int),
        ("colorspace", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("y", ctypes.c_char_p),
        ("u", ctypes.c_char_p),
        ("v", ctypes.c_char_p),
        ("y_stride", ctypes.c_int),
        ("uv_stride", ctypes.c_int),
        ("a", ctypes.c_void_p),
        ("a_stride", ctypes.c_int),
        ("pad1", ctypes.c_uint32 * 2),
        ("argb", ctypes.c_void_p),
        ("argb_stride", ctypes.c_int),
        ("pad2", ctypes.c_uint32 * 3),
        ("writer", ctypes.c_void_p),
        ("custom_ptr", ctypes.c_void_p),
        ("extra_info_type", ctypes.c_int),
        ("extra_info", ctypes.c_void_p),
        ("stats", ctypes.c_void_p),
        ("error_code", ctypes.c_int),
        ("progress_hook", ctypes.c_void_p),
        ("user_data", ctypes.c_void_p),
        ("pad3", ctypes.c_uint32 * 3),
        ("pad4", ctypes.c_void_p * 2),
        ("pad6", ctypes.c_uint32 * 8),
        ("private", ctypes.c_void_p * 4),
    )


class _Writer(ctypes.Structure):
    """`WebPMemoryWriter`: the file, as far as it is written."""

    _fields_ = (
        ("mem", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("max_size", ctypes.c_size_t),
        ("pad", ctypes.c_uint32),
    )


def is_available() -> bool:
    """Whether Pillow's libwebp can be called here; it can on Linux and macOS, not in the wheel for Windows."""
    return _library() is not None


def encode(planes: Planes, quality: int, method: int) -> bytes:
    """Encode a picture in lossy WebP, of at most 16,383 pixels a side; call it only where it `is_available`.

    `quality` is from 1 to 100, `method` libwebp's effort from 0 to 6. Raises MemoryError; ValueError with libwebp's
    number for what it refuses, as Pillow does.
    """
    library = _library()
    if library is None:
        raise ValueError("libwebp cannot be called here")
    luma, blue, red = planes
    config, picture, writer = _Config(), _Picture(), _Writer()
    _set_defaults(library, config, picture)
    config.quality, config.method = quality, method
    picture.width, picture.height = luma.size
    picture.y_stride, picture.uv_stride = luma.width, blue.width
    picture.y = luma.point(_LUMA).tobytes()  # the structure keeps the bytes alive
    picture.u, picture.v = (plane.point(_CHROMA).tobytes() for plane in (blue, red))
    library.WebPMemoryWriterInit(ctypes.byref(writer))
    picture.writer = ctypes.cast(library.WebPMemoryWrite, ctypes.c_void_p)
    picture.custom_ptr = ctypes.addressof(writer)
    try:
        if not library.WebPEncode(ctypes.byref(config), ctypes.byref(picture)):
            refused = f"encoding error {picture.error_code} of libwebp at {luma.width} x {luma.height} pixels"
            raise MemoryError(refused) if picture.error_code in _OUT_OF_MEMORY else ValueError(refused)
        return ctypes.string_at(writer.mem, writer.size)
    finally:
        library.WebPMemoryWriterClear(ctypes.byref(writer))
        library.WebPPictureFree(ctypes.byref(picture))


@cache
def _library() -> ctypes.CDLL | None:
    """Return libwebp, as Pillow's own module for WebP is linked with it, if its structures are those declared here."""
    from PIL import _webp

    try:
        library = ctypes.CDLL(_webp.__file__)
    except OSError:
        return None
    # Linked statically, it shows none of them.
    is_whole = all(hasattr(library, name) for name in _FUNCTIONS)
    return library if is_whole and _set_defaults(library, _Config(), _Picture()) else None


def _set_defaults(library: ctypes.CDLL, config: _Config, picture: _Picture) -> bool:
    """Set everything to libwebp's defaults; return False if it has other structures."""
    quality = ctypes.c_float(_DEFAULT_QUALITY)
    return bool(
        library.WebPConfigInitInternal(ctypes.byref(config), _DEFAULT_PRESET, quality, _ABI)
        and library.WebPPictureInitInternal(ctypes.byref(picture), _ABI)
    )
