"""Pictures whose bytes say little of what they cost: of many pixels, scans, chunks, items, strips, or much metadata."""

import io
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pillow_heif
from PIL import Image, ImageCms, ImageFile

MOST_BYTES = 26_214_400
"""Of a picture, in dev."""
CAMERA = (8660, 5770)
"""50 megapixels, the most that dev takes."""
_PNG = b"\x89PNG\r\n\x1a\n"
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Left, top and steps of an interlaced picture's passes (PNG 3, 8.2)."""
_CHUNKS, _ITEMS, _STRIPS = 2_000_000, 65_000, 2_000_000


def saved(image: Image.Image, format_name: str, **options: Any) -> bytes:
    """Encode a picture."""
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def gradient(mode: str, size: tuple[int, int] = CAMERA) -> Image.Image:
    """Return a picture that takes few bytes, with an opacity that changes everywhere where `mode` has one."""
    grey = Image.linear_gradient("L").resize(size)
    if mode not in ("LA", "RGBA"):
        return grey.convert("RGB").convert(mode) if mode == "CMYK" else grey.convert(mode)
    image = grey.convert(mode)
    image.putalpha(Image.radial_gradient("L").resize(size))
    return image


def stripes() -> Image.Image:
    """Return a picture that lossless encoders make small."""
    bands = [
        Image.linear_gradient("L").rotate(angle).resize(CAMERA, Image.Resampling.NEAREST)
        for angle in (0, 90, 0)
    ]
    return Image.merge("RGB", bands)


def noise(mode: str, size: tuple[int, int]) -> Image.Image:
    """Return a picture of random bytes, of which no encoder saves any."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, os.urandom(size[0] * size[1] * bands))


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(*extra: bytes, size: tuple[int, int] = (64, 64), interlaced: bool = False, pieces: int = 1) -> bytes:
    """Return a PNG file of one colour with further chunks, its pixels in some number of chunks."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    compressor = zlib.compressobj(9)
    rows = b""
    for left, top, across, down in passes:
        row = b"\0" + b"\x50\x80\xa0" * -(-(size[0] - left) // across)
        rows += b"".join(compressor.compress(row) for _ in range(top, size[1], down))
    rows += compressor.flush()
    step = -(-len(rows) // pieces)
    parts = [chunk(b"IDAT", rows[at : at + step]) for at in range(0, len(rows), step)]
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, int(interlaced))
    return _PNG + chunk(b"IHDR", header) + b"".join(extra) + b"".join(parts) + chunk(b"IEND", b"")


def _jpeg_of_scans() -> bytes:
    """Return a progressive JPEG of 48 megapixels whose scans of 74 bytes walk over all blocks each."""

    def segment(marker: int, body: bytes) -> bytes:
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body

    side = 6900
    blocks = (-(-side // 8)) ** 2
    bits = "011111111111111" * (blocks // 32767)
    if rest := blocks % 32767:
        bits += "0" + format(max(rest, 16384) - 16384, "014b")
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    scan = segment(0xDA, b"\x01\x01\0\x01\x3f\0") + data
    head = (
        b"\xff\xd8"
        + segment(0xDB, b"\0" + b"\x01" * 64)
        + segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\0")
        + segment(0xC4, b"\x10\x01" + bytes(15) + b"\xe0")
    )
    return head + scan * 16_000 + b"\xff\xd9"


def _jpeg_of_noise() -> bytes:
    image, before = noise("RGB", (4200, 4200)), ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = MOST_BYTES  # the encoder of progressive pictures wants room for a whole scan
    try:
        return saved(image, "JPEG", progressive=True, subsampling=0, quality=70)
    finally:
        ImageFile.MAXBLOCK = before


def _jpeg_of_segments() -> bytes:
    plain = saved(Image.new("RGB", (64, 64)), "JPEG")
    return plain[:2] + b"\xff\xfe\x00\x02" * (MOST_BYTES // 4 - 1000) + plain[2:]


def _large_profile(data: bytes) -> bytes:
    """Return a valid profile with a tag of random bytes, which makes it unlike sRGB and as large as `data`."""
    base = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = int.from_bytes(base[128:132], "big")
    table = b""
    for at in range(132, 132 + 12 * count, 12):
        offset = int.from_bytes(base[at + 4 : at + 8], "big") + 12  # the table grows by one line
        table += base[at : at + 4] + struct.pack(">I", offset) + base[at + 8 : at + 12]
    body = base[132 + 12 * count :]
    end = 132 + 12 * (count + 1) + len(body)
    made = base[4:128] + struct.pack(">I", count + 1) + table + b"zzzz" + struct.pack(">II", end, len(data))
    return struct.pack(">I", len(made) + 4 + len(body) + len(data)) + made + body + data


def _gif(size: tuple[int, int], data: bytes) -> bytes:
    descriptor = b"," + struct.pack("<HHHHB", 0, 0, *size, 0)
    return (
        b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + bytes(6) + descriptor + b"\x02" + data + b"\0;"
    )


def _tiff(entries: list[tuple[int, int, int, int]], *, directories: int = 1, tail: bytes = b"") -> bytes:
    """Return a TIFF file with a ring of directories, or one, and what follows."""
    out = bytearray(b"II*\0" + struct.pack("<I", 8))
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    for number in range(directories):
        following = len(out) + len(body) + 4 if number < directories - 1 else 0
        out += body + struct.pack("<I", following)
    return bytes(out) + tail


def _tiff_of_strips() -> bytes:
    offsets = 8 + 2 + 12 * 8 + 4
    entries = [
        (256, 3, 1, 1), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, _STRIPS, offsets), (278, 3, 1, 1), (279, 4, _STRIPS, offsets + 4 * _STRIPS),
    ]  # fmt: skip
    return _tiff(entries, tail=struct.pack("<I", 8) * _STRIPS + struct.pack("<I", 1) * _STRIPS)


def _tiff_of_directories() -> bytes:
    entries = [
        (256, 3, 1, 64), (257, 3, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (278, 3, 1, 64), (279, 4, 1, 4096),
    ]  # fmt: skip
    return _tiff(entries, directories=200_000)


def _box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def _items(brand: bytes) -> bytes:
    """Return a file of nothing but the descriptions of tens of thousands of items."""
    entry = _box(b"infe", struct.pack(">IHH", 2 << 24, 1, 0), b"hvc1" if brand == b"heic" else b"av01", b"\0")
    infos = _box(b"iinf", struct.pack(">IH", 0, _ITEMS), entry * _ITEMS)
    places = _box(
        b"iloc", struct.pack(">IBBH", 0, 0x44, 0, _ITEMS), struct.pack(">HHHII", 1, 0, 1, 0, 8) * _ITEMS
    )
    sizes = _box(b"iprp", _box(b"ipco", _box(b"ispe", struct.pack(">III", 0, 64, 64))))
    meta = _box(b"meta", bytes(4), _box(b"pitm", bytes(4), b"\0\1"), infos, places, sizes)
    return _box(b"ftyp", brand, bytes(4), brand, b"mif1") + meta


def _grid(brand: bytes) -> bytes:
    """Return a grid of nearly 1,000 tiles, the most that libheif takes, which share the bytes of one."""
    if brand == b"avif":
        tile = saved(Image.new("RGB", (64, 64), (9, 90, 200)), "AVIF", speed=10)
    else:
        tile = heic(Image.new("RGB", (64, 64), (9, 90, 200)))
    coded = tile[tile.index(b"mdat") + 4 :]
    kind, configuration = (b"av01", b"av1C") if brand == b"avif" else (b"hvc1", b"hvcC")
    at = tile.index(configuration) - 4
    described = tile[at : at + int.from_bytes(tile[at : at + 4], "big")]
    across, down = 31, 32
    tiles = across * down
    infos = _box(b"infe", struct.pack(">IHH", 2 << 24, 1, 0), b"grid", b"\0")
    infos += b"".join(
        _box(b"infe", struct.pack(">IHH", 2 << 24, 2 + n, 0), kind, b"\0") for n in range(tiles)
    )
    whole, part = (struct.pack(">III", 0, across * 64, down * 64), struct.pack(">III", 0, 64, 64))
    properties = _box(b"ipco", _box(b"ispe", whole), _box(b"ispe", part), described)
    associated = struct.pack(">II", 0, tiles + 1) + struct.pack(">HBB", 1, 1, 1)
    associated += b"".join(struct.pack(">HBBB", 2 + n, 2, 2, 0x83) for n in range(tiles))
    references = _box(
        b"iref", bytes(4), _box(b"dimg", struct.pack(f">HH{tiles}H", 1, tiles, *range(2, 2 + tiles)))
    )
    grid = struct.pack(">BBBBHH", 0, 0, down - 1, across - 1, across * 64, down * 64)
    head = _box(b"ftyp", brand, bytes(4), brand, b"mif1")

    def meta(start: int) -> bytes:
        places = struct.pack(">HHHII", 1, 0, 1, start, len(grid))
        places += b"".join(
            struct.pack(">HHHII", 2 + n, 0, 1, start + len(grid), len(coded)) for n in range(tiles)
        )
        return _box(
            b"meta", bytes(4), _box(b"hdlr", bytes(8), b"pict", bytes(13)), _box(b"pitm", bytes(4), b"\0\1"),
            _box(b"iloc", struct.pack(">IBBH", 0, 0x44, 0, tiles + 1), places),
            _box(b"iinf", struct.pack(">IH", 0, tiles + 1), infos), references,
            _box(b"iprp", properties, _box(b"ipma", associated)),
        )  # fmt: skip

    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + _box(b"mdat", grid, coded)


def heic(image: Image.Image) -> bytes:
    """Encode a picture as HEIC."""
    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=40)
    return out.getvalue()


def _zeros(megabytes: int) -> bytes:
    return zlib.compress(bytes(megabytes * 2**20), 9)


PICTURES: Mapping[str, Callable[[], bytes]] = {
    "jpeg-scans": _jpeg_of_scans,
    "jpeg-segments": _jpeg_of_segments,
    "jpeg-progressive-inks": lambda: saved(gradient("CMYK"), "JPEG", progressive=True, subsampling=0),
    "jpeg-progressive-noise": _jpeg_of_noise,
    "jpeg-profile": lambda: saved(
        gradient("RGB", (200, 150)), "JPEG", icc_profile=_large_profile(os.urandom(15_000_000))
    ),
    "png-chunks": lambda: png(chunk(b"abCd", b"") * _CHUNKS),
    "png-pixels-in-pieces": lambda: png(size=CAMERA, pieces=90_000),
    "png-text": lambda: png(chunk(b"zTXt", b"k\0\0" + _zeros(400))),
    "png-many-texts": lambda: png(chunk(b"iTXt", b"k\0\1\0\0\0" + _zeros(50)) * 100),
    "png-profile": lambda: png(chunk(b"iCCP", b"k\0\0" + _zeros(400))),
    "png-exif": lambda: png(
        chunk(
            b"eXIf",
            b"MM\0*" + struct.pack(">IH", 8, 65_535)
            + b"".join(struct.pack(">HHII", 0x9000 + n % 4000, 2, 0x7FFFFFFF, 8) for n in range(65_535)),
        )
    ),
    "png-interlaced": lambda: png(size=CAMERA, interlaced=True),
    "png-grey-alpha": lambda: saved(gradient("LA"), "PNG", compress_level=1),
    "png-key-colour": lambda: saved(gradient("RGB"), "PNG", compress_level=1, transparency=(3, 3, 3)),
    "png-16-bit-key": lambda: _png_of_16_bits(),
    "png-noise": lambda: saved(noise("RGBA", (2550, 2550)), "PNG"),
    "gif-canvas": lambda: _gif((7000, 7000), b"\x02\x4c\x01"),
    "gif-sub-blocks": lambda: _gif((64, 64), b"\x01\x00" * 12_000_000),
    "gif-still": lambda: saved(gradient("P"), "GIF", transparency=3),
    "webp-lossless": lambda: saved(stripes(), "WEBP", lossless=True, method=0, quality=0),
    "webp-alpha": lambda: saved(gradient("RGBA"), "WEBP", method=0),
    "webp-noise": lambda: saved(noise("RGB", (2900, 2900)), "WEBP", lossless=True, method=0, quality=0),
    "avif-alpha": lambda: saved(gradient("RGBA"), "AVIF", speed=10),
    "avif-noise": lambda: saved(noise("RGB", (5000, 5000)), "AVIF", speed=10, quality=60),
    "avif-items": lambda: _items(b"avif"),
    "avif-grid": lambda: _grid(b"avif"),
    "heic-items": lambda: _items(b"heic"),
    "heic-grid": lambda: _grid(b"heic"),
    "heic-noise": lambda: heic(noise("RGB", (4000, 4000))),
    "tiff-directories": _tiff_of_directories,
    "tiff-strips": _tiff_of_strips,
    "tiff-inks": lambda: saved(gradient("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
    "tiff-alpha": lambda: saved(gradient("RGBA"), "TIFF", compression="tiff_adobe_deflate"),
    "tiff-profile": lambda: saved(
        gradient("RGB", (200, 150)), "TIFF", icc_profile=_large_profile(os.urandom(24_000_000))
    ),
    "bmp-noise": lambda: saved(noise("RGB", (2950, 2950)), "BMP"),
}  # fmt: skip
"""Name -> what makes the file."""


def _png_of_16_bits() -> bytes:
    """Return a PNG of 50 megapixels in 16 bits with one transparent colour, which Pillow cannot read by itself."""
    row = b"\0" + struct.pack(">HHH", 1, 2, 3) * CAMERA[0]
    compressor = zlib.compressobj(9)
    rows = b"".join([*(compressor.compress(row) for _ in range(CAMERA[1])), compressor.flush()])
    header = struct.pack(">IIBBBBB", *CAMERA, 16, 2, 0, 0, 0)
    key = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    return _PNG + chunk(b"IHDR", header) + key + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _frames(mode: str, side: int, count: int, *, random: bool = False) -> list[Image.Image]:
    base = noise(mode, (side, side)) if random else gradient(mode, (side, side))
    # Shifted around: no frame is like the one before, and none takes longer to make.
    return [
        base.transform(base.size, Image.Transform.AFFINE, (1, 0, n % side, 0, 1, n)) for n in range(count)
    ]


def _animation(format_name: str, mode: str, side: int, count: int, **options: Any) -> bytes:
    first, *rest = _frames(mode, side, count, random=bool(options.pop("random", False)))
    return saved(first, format_name, save_all=True, append_images=rest, duration=40, **options)


ANIMATIONS: Mapping[str, Callable[[], bytes]] = {
    "webp-200-frames": lambda: _animation("WEBP", "RGB", 700, 200, method=0),
    "webp-200-clear-frames": lambda: _animation("WEBP", "RGBA", 700, 200, method=0),
    "webp-noise-frames": lambda: _animation("WEBP", "RGB", 1000, 8, random=True, lossless=True, method=0, quality=0),
    "webp-large-frames": lambda: _animation("WEBP", "RGBA", 5500, 3, method=0),
    "webp-199-megapixels": lambda: _animation("WEBP", "RGB", 1000, 199, method=0, quality=1),
    "gif-200-frames": lambda: _animation("GIF", "P", 700, 200),
    "gif-200-clear-frames": lambda: _animation("GIF", "P", 700, 200, transparency=3, disposal=2),
    "gif-large-frames": lambda: _animation("GIF", "P", 6600, 2, transparency=3, disposal=2),
    "apng-200-clear-frames": lambda: _animation("PNG", "RGBA", 700, 200, compress_level=1),
    "apng-large-frames": lambda: _animation("PNG", "RGBA", 6600, 2, compress_level=1),
    "avif-100-frames": lambda: _animation("AVIF", "RGB", 700, 100, speed=10),
    "avif-large-frames": lambda: _animation("AVIF", "RGBA", 4900, 2, speed=10),
}  # fmt: skip
