"""Pictures that the project draws itself, so that a first run needs no photos.

Each function returns a new image; the same call draws the same pixels on every machine with this Pillow.
"""

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Stops = tuple[tuple[float, Colour], ...]

SUPERSAMPLING = 2  # drawn twice as large and reduced: ImageDraw has no antialiasing of its own


def lake(size: tuple[int, int] = (1500, 1000)) -> Image.Image:
    """Draw dusk over a mountain lake: soft gradients and a mirror image, a typical landscape photo."""
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    shore = int(height * 0.62)
    sky: Stops = (
        (0.0, (32, 34, 84)),
        (0.45, (129, 82, 140)),
        (0.75, (240, 138, 108)),
        (1.0, (255, 208, 138)),
    )
    upper = _gradient((width, shore), sky)
    _glow(upper, (int(width * 0.68), int(shore * 0.5)), int(height * 0.36), (255, 226, 168))
    sun = int(height * 0.05)
    ImageDraw.Draw(upper).ellipse(_around(int(width * 0.68), int(shore * 0.5), sun), fill=(255, 240, 205))
    ridges = (
        (0.70, 0.24, (150, 92, 128), 3),
        (0.80, 0.19, (98, 64, 112), 8),
        (0.90, 0.13, (52, 42, 86), 11),
    )
    for base, swing, colour, seed in ridges:
        _ridge(upper, base, swing, colour, seed)
    picture = Image.new("RGB", (width, height))
    picture.paste(upper, (0, 0))
    mirrored = upper.transpose(Image.Transpose.FLIP_TOP_BOTTOM).crop((0, 0, width, height - shore))
    mirrored = mirrored.filter(ImageFilter.BoxBlur(9))
    picture.paste(Image.blend(mirrored, Image.new("RGB", mirrored.size, (22, 26, 66)), 0.34), (0, shore))
    _ripples(picture, shore, Random(5))  # noqa: S311 - a picture, not a secret
    return _reduced(picture, size)


def balloons(size: tuple[int, int] = (900, 1350)) -> Image.Image:
    """Draw hot-air balloons over hills, in portrait format."""
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    sky: Stops = (
        (0.0, (64, 148, 205)),
        (0.55, (166, 214, 232)),
        (0.8, (253, 240, 213)),
        (1.0, (255, 226, 190)),
    )
    picture = _gradient((width, height), sky)
    for at, seed in ((0.16, 1), (0.34, 2), (0.52, 3)):
        _cloud(picture, int(width * (0.2 + 0.27 * seed)), int(height * at), int(width * 0.1), seed)
    ridges = (
        (0.80, 0.06, (140, 178, 132), 21),
        (0.87, 0.06, (86, 142, 104), 22),
        (0.94, 0.05, (40, 98, 84), 23),
    )
    for base, swing, colour, seed in ridges:
        _ridge(picture, base, swing, colour, seed, jagged=False)
    warm: tuple[Colour, ...] = ((214, 64, 69), (250, 190, 88), (247, 240, 226))
    cool: tuple[Colour, ...] = ((38, 84, 124), (239, 243, 245), (6, 160, 150))
    plum: tuple[Colour, ...] = ((122, 62, 120), (244, 162, 140), (250, 222, 160))
    _balloon(picture, int(width * 0.42), int(height * 0.34), int(width * 0.25), warm)
    _balloon(picture, int(width * 0.80), int(height * 0.58), int(width * 0.11), cool)
    _balloon(picture, int(width * 0.17), int(height * 0.66), int(width * 0.08), plum)
    return _reduced(picture, size)


def dunes(size: tuple[int, int] = (2600, 520)) -> Image.Image:
    """Draw a wide panorama: five times as wide as high."""
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    sky: Stops = ((0.0, (8, 12, 38)), (0.5, (32, 44, 92)), (0.8, (104, 84, 128)), (1.0, (216, 140, 118)))
    picture = _gradient((width, height), sky)
    draw = ImageDraw.Draw(picture)
    stars = Random(17)  # noqa: S311 - a picture, not a secret
    for _ in range(420):
        x, y = stars.randrange(width), int(stars.random() ** 1.6 * height * 0.6)
        shade = stars.randint(120, 255)
        draw.ellipse(_around(x, y, stars.choice((1, 1, 1, 2, 3))), fill=(shade, shade, min(255, shade + 18)))
    moon = (int(width * 0.77), int(height * 0.27))
    _glow(picture, moon, int(height * 0.34), (206, 206, 236))
    ImageDraw.Draw(picture).ellipse(_around(*moon, int(height * 0.075)), fill=(250, 246, 228))
    ridges = (
        (0.68, 0.10, (116, 74, 92), 31),
        (0.77, 0.12, (84, 54, 80), 32),
        (0.87, 0.10, (50, 34, 62), 33),
        (0.96, 0.08, (24, 18, 42), 34),
    )
    for base, swing, colour, seed in ridges:
        _ridge(picture, base, swing, colour, seed, jagged=False)
    return _reduced(picture, size)


def garden(size: tuple[int, int] = (1200, 800)) -> Image.Image:
    """Draw flowers in strong reds and greens, as from a wide-gamut camera."""
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    meadow: Stops = ((0.0, (16, 64, 44)), (0.5, (22, 110, 54)), (1.0, (10, 58, 38)))
    picture = _gradient((width, height), meadow)
    random = Random(41)  # noqa: S311 - a picture, not a secret
    for layer in range(3):
        for _ in range(26):
            x, y = random.randrange(width), random.randrange(height)
            _flower(picture, x, y, int(height * (0.035 + 0.035 * layer)), random)
        if layer < 2:
            picture = picture.filter(ImageFilter.GaussianBlur(10 - 6 * layer))
    return _reduced(picture, size)


def logo(size: int = 640) -> Image.Image:
    """Draw a logo on transparency: RGBA, empty corners, a half transparent ring."""
    side = size * SUPERSAMPLING
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    centre = side // 2
    draw.ellipse(_around(centre, centre, int(side * 0.47)), fill=(54, 92, 214, 70))
    draw.ellipse(_around(centre, centre, int(side * 0.39)), fill=(46, 78, 196, 255))
    blade = int(side * 0.36)
    colours = ((255, 255, 255, 255), (214, 226, 255, 255), (168, 192, 255, 255))
    for index in range(6):
        start = math.tau * index / 6
        tip = (centre + blade * math.cos(start), centre + blade * math.sin(start))
        side_angle = start + math.tau / 6
        turn = (centre + blade * math.cos(side_angle), centre + blade * math.sin(side_angle))
        inner = (
            centre + blade * 0.42 * math.cos(side_angle + 0.5),
            centre + blade * 0.42 * math.sin(side_angle + 0.5),
        )
        draw.polygon((tip, turn, inner), fill=colours[index % 3])
    draw.ellipse(_around(centre, centre, int(side * 0.1)), fill=(255, 190, 80, 255))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _gradient(size: tuple[int, int], stops: Stops) -> Image.Image:
    column = Image.new("RGB", (1, 512))
    for y in range(512):
        at = y / 511
        lower = max((stop for stop in stops if stop[0] <= at), key=lambda stop: stop[0])
        upper = min((stop for stop in stops if stop[0] >= at), key=lambda stop: stop[0])
        share = 0.0 if upper[0] == lower[0] else (at - lower[0]) / (upper[0] - lower[0])
        mixed = [round(a + (b - a) * share) for a, b in zip(lower[1], upper[1], strict=True)]
        column.putpixel((0, y), (mixed[0], mixed[1], mixed[2]))
    return column.resize(size, Image.Resampling.BICUBIC)


def _ridge(
    picture: Image.Image, base: float, swing: float, colour: Colour, seed: int, *, jagged: bool = True
) -> None:
    """Fill from a wavy line (`base` and `swing` as shares of the height) down to the lower edge."""
    random = Random(seed)  # noqa: S311 - a picture, not a secret
    width, height = picture.size
    octaves = 7 if jagged else 3
    waves = [
        (random.uniform(0.8, 1.3) * 1.9**n, random.uniform(0, math.tau), 0.56**n) for n in range(1, octaves)
    ]
    total = sum(weight for _, _, weight in waves)

    def top(x: int) -> float:
        value = 0.0
        for frequency, phase, weight in waves:
            wave = math.sin(frequency * math.tau * x / width / 2 + phase)
            value += weight * (2 * abs(wave) - 1 if jagged else wave)
        return height * (base + swing * value / total)

    line = [(x, top(x)) for x in range(0, width + 8, 8)]
    ImageDraw.Draw(picture).polygon([(0, height), *line, (width + 8, height)], fill=colour)


def _ripples(picture: Image.Image, shore: int, random: Random) -> None:
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    for _ in range(240):
        depth = random.random() ** 1.7
        y = shore + int(depth * (height - shore))
        x = int(random.gauss(width * 0.68, width * (0.03 + 0.16 * depth)))
        length = int(width * (0.01 + 0.035 * depth))
        draw.line((x - length, y, x + length, y), fill=(255, 204, 158), width=1 + int(3 * depth))


def _cloud(picture: Image.Image, x: int, y: int, radius: int, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a picture, not a secret
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    for _ in range(7):
        dx, dy = int(random.gauss(0, radius)), int(random.gauss(0, radius * 0.16))
        r = int(radius * random.uniform(0.3, 0.55))
        draw.ellipse((x + dx - 2 * r, y + dy - r, x + dx + 2 * r, y + dy + r), fill=150)
    picture.paste((255, 255, 255), mask=mask.filter(ImageFilter.BoxBlur(radius // 5)))


def _balloon(picture: Image.Image, x: int, y: int, radius: int, colours: tuple[Colour, ...]) -> None:
    """Draw gores as ever narrower ellipses; the envelope narrows to a basket below."""
    draw = ImageDraw.Draw(picture)
    mouth, basket = y + int(radius * 1.42), int(radius * 0.17)
    stripes = 7
    for index in range(stripes):
        half = radius * (1 - index / stripes)
        fill = colours[index % len(colours)]
        draw.ellipse((x - half, y - radius, x + half, y + radius), fill=fill)
        shoulder = half * 0.79
        draw.polygon(
            (
                (x - shoulder, y + radius * 0.6),
                (x + shoulder, y + radius * 0.6),
                (x + half * 0.2, mouth),
                (x - half * 0.2, mouth),
            ),
            fill=fill,
        )
    top = mouth + int(radius * 0.24)
    for side in (-1, 1):
        draw.line((x + side * radius * 0.18, mouth, x + side * basket * 0.9, top), fill=(70, 50, 40), width=3)
    draw.rounded_rectangle(
        (x - basket, top, x + basket, top + int(1.5 * basket)), basket // 3, fill=(122, 80, 48)
    )
    shade = Image.new("L", picture.size)
    ImageDraw.Draw(shade).ellipse(
        (x - radius * 0.95, y - radius, x + radius * 0.35, y + radius * 0.8), fill=46
    )
    picture.paste((255, 255, 255), mask=shade.filter(ImageFilter.BoxBlur(radius // 3)))


def _flower(picture: Image.Image, x: int, y: int, radius: int, random: Random) -> None:
    draw = ImageDraw.Draw(picture)
    petals = random.choice((5, 6, 8))
    colour = random.choice(((226, 18, 38), (244, 78, 10), (236, 28, 120), (250, 196, 8), (150, 40, 190)))
    turn = random.uniform(0, math.tau)
    for shade, scale in ((0.72, 1.0), (1.0, 0.86)):
        fill = (int(colour[0] * shade), int(colour[1] * shade), int(colour[2] * shade))
        for petal in range(petals):
            angle = turn + math.tau * petal / petals
            centre = (int(x + radius * 0.62 * math.cos(angle)), int(y + radius * 0.62 * math.sin(angle)))
            draw.ellipse(_around(*centre, int(radius * 0.46 * scale)), fill=fill)
    draw.ellipse(_around(x, y, int(radius * 0.3)), fill=(255, 216, 70))
    draw.ellipse(_around(x, y, int(radius * 0.16)), fill=(120, 66, 10))


def _glow(picture: Image.Image, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """Add light around `centre`, falling off to nothing at `radius`."""
    rim = 75  # what the inverted gradient of Pillow still holds where the circle meets the square's edges
    light = ImageChops.invert(Image.radial_gradient("L")).resize((2 * radius, 2 * radius))
    light = light.point([int(200 * max(0.0, (value - rim) / (255 - rim)) ** 2) for value in range(256)])
    mask = Image.new("L", picture.size)
    mask.paste(light, (centre[0] - radius, centre[1] - radius))
    picture.paste(colour, mask=mask)


def _around(x: int, y: int, radius: int) -> tuple[int, int, int, int]:
    return x - radius, y - radius, x + radius, y + radius


def _reduced(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.resize(size, Image.Resampling.BOX)
