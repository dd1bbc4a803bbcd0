"""The notice inside each layer: what it holds and under which licences, from the wheels' own metadata.

Licences ask for their texts to travel with the software. The texts are in the layer already, where the wheels have
them; the notice says whose they are, and which libraries a wheel bundles beyond its own code.
"""

from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from pathlib import PurePosixPath
from typing import Final

from components.packaging import archive
from components.packaging.archive import Member

_HEADING: Final = """\
This layer holds the packages below, unchanged as their projects publish them; folders named `__pycache__` hold the
same modules compiled. Package, version and licence are what each one says in its own metadata. "licence texts" are
files of this layer. "bundled" are shared libraries of other projects that come with a package: they have licences of
their own, which need not be that of the package.
"""
_SOURCES: Final = ("source", "source code", "repository", "homepage", "home page", "github")


def notice(layer: str, packages: Iterable[Sequence[Member]]) -> bytes:
    """Return the notice of a layer: one paragraph for each package, in the order of their names.

    `packages` are the members of each wheel where the layer has them; each has a METADATA file.
    """
    paragraphs = sorted((paragraph(members) for members in packages), key=str.lower)
    return "\n".join([f"NOTICE of the {layer} layer\n", _HEADING, *paragraphs]).encode()


def paragraph(members: Sequence[Member]) -> str:
    """Return the paragraph about one package."""
    own = metadata(members)
    lines = [f"{own['Name']} {own['Version']}", f"    licence: {licence(own)}"]
    if found := source(own):
        lines.append(f"    source: {found}")
    lines += _listed("licence texts", (member.path for member in members if is_licence(member.path)))
    lines += _listed(
        "bundled",
        (f"{member.path} ({member.size:,} bytes)" for member in members if is_bundled(member.path)),
    )
    return "\n".join(lines) + "\n"


def metadata(members: Sequence[Member]) -> Message:
    """Return what a package says about itself (PyPA core metadata)."""
    found = next(
        member for member in members if _in_dist_info(member.path) and member.path.endswith("/METADATA")
    )
    return BytesParser().parsebytes(archive.unpacked(found))


def licence(metadata: Message) -> str:
    """Return the licence: an SPDX expression, else the short text, else the classifiers (PyPA core metadata)."""
    if expression := metadata["License-Expression"]:
        return str(expression)
    text = str(metadata["License"] or "").strip()
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier", [])
        if line.startswith("License :: ") and not line.endswith(":: OSI Approved")
    ]
    if text and "\n" not in text:
        # A wheel may be under another licence than its own code: pi-heif's says LGPL in its classifiers.
        return "; ".join([text, *(name for name in classifiers if name != text)])
    return "; ".join(classifiers) or "see the licence texts"


def source(metadata: Message) -> str | None:
    """Return the address of a package's source, else of its home page."""
    urls: Mapping[str, str] = {
        label.strip().lower(): url.strip()
        for label, _, url in (line.partition(",") for line in metadata.get_all("Project-URL", []))
    }
    named = next((urls[label] for label in _SOURCES if label in urls), None)
    return named or metadata["Home-page"]


def _in_dist_info(path: str) -> bool:
    return any(part.endswith(".dist-info") for part in PurePosixPath(path).parts[:-1])


def is_licence(path: str) -> bool:
    """Return whether a file of a layer is the text of a licence."""
    name = PurePosixPath(path).name.upper()
    return _in_dist_info(path) and (
        "/licenses/" in path or name.startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS"))
    )


def is_bundled(path: str) -> bool:
    """Return whether a file is in the folder where auditwheel puts other projects' shared libraries."""
    return any(part.endswith(".libs") for part in PurePosixPath(path).parts[:-1])


def _listed(what: str, entries: Iterable[str]) -> list[str]:
    return [f"    {what}: {entry}" for entry in sorted(entries)]
