"""`python -m embedded_aws.rekognition.card LABELS FILE` draws a moderation card; the suffix gives the format."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image

from embedded_aws.rekognition.cards import DEFAULT_SIZE, Ink, draw_card
from embedded_aws.rekognition.encoding import CardError, parse

# Of the many suffixes that Pillow knows, those that hold a photo; RGBA is there for a hidden card.
_WITH_ALPHA = frozenset({".png", ".webp", ".avif", ".gif", ".tif", ".tiff"})
_OPAQUE = frozenset({".jpg", ".jpeg", ".bmp", ".jp2", ".ppm"})
_QUALITY = 90


def write_card(labels: str, file: Path, *, hidden_in: Ink | None = None) -> None:
    """Draw the card for `labels` ("Weapons:95,Alcohol Use:60") into `file`, creating its folder if needed.

    Raises CardError for labels or a file type that cannot be used, OSError where the file cannot be written.
    """
    suffix = file.suffix.lower()
    if suffix not in _WITH_ALPHA | _OPAQUE:
        allowed = ", ".join(sorted(_WITH_ALPHA | _OPAQUE))
        raise CardError(f"The file's suffix must be one of {allowed}; got {file.name!r}.")
    if hidden_in and suffix not in _WITH_ALPHA:
        raise CardError(f"A hidden card needs transparency, which {suffix} lacks: use .png.")
    card = draw_card(parse(labels), DEFAULT_SIZE, hidden_in=hidden_in)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.init()
    format_name = Image.registered_extensions()[suffix]
    if format_name == "GIF" and card.mode == "RGB":
        card = card.quantize(64, dither=Image.Dither.NONE)
    card.save(file, format_name, quality=_QUALITY)


COMMAND = "python -m embedded_aws.rekognition.card"
EXAMPLE = f"{COMMAND} 'Weapons:95,Alcohol Use:60' card.jpg"


def main(arguments: list[str] | None = None, *, command: str = COMMAND, example: str = EXAMPLE) -> int:
    """Run the command; 2 with one sentence on stderr where the labels or the file cannot be used.

    `command` and `example` are how it is called, for its messages.
    """
    parser = argparse.ArgumentParser(prog=command, description="Draw a moderation card for the embedded AWS.")
    parser.add_argument(
        "labels", help="for example 'Weapons:95,Alcohol Use:60'; empty for a harmless picture"
    )
    parser.add_argument("file", help="where to; the suffix gives the format")
    parser.add_argument("--hidden-in", choices=("white", "black"), help="ink of this colour on transparency")
    given = parser.parse_args(arguments)
    if not given.file:
        parser.error(f"FILE is missing, for example: {example}")
    file = Path(given.file)
    try:
        write_card(given.labels, file, hidden_in=given.hidden_in)
    except CardError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{command}: cannot write {file}: {error.strerror or error}", file=sys.stderr)
        return 2
    labels = parse(given.labels)
    said = ", ".join(f"{name} {confidence:g}" for name, confidence in labels.items()) or "no labels"
    print(f"{file}: {said} (for the stand-in of Rekognition in the embedded AWS)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
