"""The benchmark as an SVG for docs/maintainer/performance.md: bars of how many times faster than the naive recipe."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_COLOURS = {
    "pipeline": "#2563eb",
    "pyvips": "#94a3b8",
    "pyvips, effort 4": "#b6c2d1",
    "sharp": "#64748b",
    "naive": "#cbd5e1",
}
_LABELS = {
    "pipeline": "this pipeline",
    "pyvips": "pyvips, same effort",
    "pyvips, effort 4": "pyvips, default",
    "sharp": "sharp",
    "naive": "naive Pillow",
}
_LEFT, _WIDTH, _RIGHT = 150, 520, 70
_BAR, _GAP, _TOP = 14, 18, 58


def chart(classes: Sequence[Mapping[str, Any]]) -> str:
    """Return the classes of `bench.json` as an SVG that loads nothing; text stays text."""
    recipes = [name for name in _COLOURS if any(name in entry["milliseconds"] for entry in classes)]
    speeds = [
        {name: entry["milliseconds"]["naive"] / entry["milliseconds"][name] for name in recipes}
        for entry in classes
    ]
    most = max(value for speed in speeds for value in speed.values())
    parts = [
        _text(
            _LEFT,
            22,
            "Times as fast as naive Pillow at JPEG and WebP (one CPU; longer is better)",
            "title",
        )
    ]
    x = float(_LEFT)
    for name in recipes:
        parts.append(f'<rect x="{x:.0f}" y="32" width="10" height="10" fill="{_COLOURS[name]}"/>')
        parts.append(_text(x + 15, 41, _LABELS[name]))
        x += 30 + 6.6 * len(_LABELS[name])
    y = float(_TOP)
    for entry, speed in zip(classes, speeds, strict=True):
        parts.append(_text(_LEFT - 10, y + len(recipes) * _BAR / 2 + 4, label(entry), "name"))
        for name in recipes:
            width = speed[name] / most * _WIDTH
            parts.append(
                f'<rect x="{_LEFT}" y="{y:.0f}" width="{width:.1f}" height="{_BAR - 2}" fill="{_COLOURS[name]}"/>'
            )
            parts.append(_text(_LEFT + width + 6, y + _BAR - 4, f"{speed[name]:.2f} x"))
            y += _BAR
        y += _GAP
    size = f"{_LEFT + _WIDTH + _RIGHT} {y:.0f}"
    style = (
        "text{font:12px system-ui,sans-serif;fill:#334155}.title{font-weight:600;font-size:14px}"
        ".name{text-anchor:end;font-weight:600}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img">'
        f'<title>Speed of renditions</title><style>{style}</style><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>\n"
    )


def label(entry: Mapping[str, Any]) -> str:
    """Name a class of `bench.json`, and say where its photographs were scaled down from larger ones."""
    return f"{entry['name']} (resampled)" if entry.get("resampled") else str(entry["name"])


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{escape(text)}</text>'
