"""What a finished package holds, for others to check: a bill of materials (CycloneDX) and a notice with all licences.

Both are read from the zip itself and from nothing else, so they cannot speak of another package than the one that they
lie beside. A layer holds the metadata of its wheels, the licences' texts, and the bills that wheels bring of the
libraries inside them (PEP 770).
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from components.packaging import archive, notice, store
from components.packaging.archive import Member
from components.packaging.store import Package

Json = dict[str, Any]

_LICENCE: Final = "MIT"
_SPEC: Final = "1.6"
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "media-pipeline.packages")
_KEPT: Final = ("name", "version", "description", "purl", "cpe", "licenses", "hashes")
"""What is taken over from a bill inside a wheel: what says which library it is, and under which licence."""


@dataclass(frozen=True)
class Papers:
    """The files beside a package."""

    bill: Path
    notice: Path


def write(package: Package, version: str, licence: str) -> Papers:
    """Write `<zip's name>.cdx.json` and `<zip's name>.NOTICE.txt` beside the package, and return their paths.

    `version` and `licence` are of the project itself: its version, and the text of its licence. The same package has
    the same files, byte for byte. Raises StorageError if they cannot be written.
    """
    members = archive.read(package.path.read_bytes(), package.path.name)
    papers = Papers(package.path.with_suffix(".cdx.json"), package.path.with_suffix(".NOTICE.txt"))
    bill = json.dumps(of(package, members, version), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    for path, text in ((papers.bill, bill), (papers.notice, notice_of(package, members, licence))):
        with store.replacing(path) as file:
            file.write(text.encode())
    return papers


def of(package: Package, members: Sequence[Member], version: str) -> Json:
    """Return the bill of materials of a package with these members."""
    libraries = sorted((_library(wheel) for wheel in _wheels(members)), key=lambda each: str(each["bom-ref"]))
    own = f"media-pipeline/{package.name}@{version}"
    component: Json = {
        "bom-ref": own,
        "type": "application",
        "name": package.name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": package.sha256}],
    }
    if not libraries:  # the code; a layer holds nothing of this project's
        component["licenses"] = [{"license": {"id": _LICENCE}}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": _SPEC,
        # From the package, and without a date: the same package has the same bill.
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, package.sha256)}",
        "version": 1,
        "metadata": {"component": component},
        "components": libraries,
        "dependencies": [
            {"ref": own, "dependsOn": [each["bom-ref"] for each in libraries]},
            *_needs(members),
        ],
    }


def notice_of(package: Package, members: Sequence[Member], licence: str) -> str:
    """Return the notice with every licence's text: those that a layer's wheels bring, or else the project's own."""
    wheels = _wheels(members)
    parts = [f"NOTICE of {package.path.name}\n"]
    if not wheels:
        parts.append(_section(f"{package.name} (this project)", licence))
    for wheel in wheels:
        name = f"{wheel.metadata['Name']} {wheel.metadata['Version']}"
        texts = sorted((each for each in wheel.members if notice.is_licence(each.path)), key=lambda m: m.path)
        parts.append(notice.paragraph(wheel.members))
        parts += [
            _section(
                f"{name}: {PurePosixPath(each.path).name}", archive.unpacked(each).decode("utf-8", "replace")
            )
            for each in texts
        ]
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"{'-' * 8} {title} {'-' * 8}\n\n{text.replace(chr(13), '').strip()}\n"


@dataclass(frozen=True)
class _Wheel:
    """What one wheel put into the layer: its metadata folder, and the folder of bundled libraries."""

    metadata: Message
    members: tuple[Member, ...]

    @property
    def reference(self) -> str:
        """Return the package URL, by which bills name a package of the Python Package Index."""
        return f"pkg:pypi/{canonicalize_name(self.metadata['Name'])}@{self.metadata['Version']}"


def _wheels(members: Iterable[Member]) -> list[_Wheel]:
    found: dict[str, list[Member]] = {}
    for member in members:
        for folder in PurePosixPath(member.path).parts[:-1]:
            if folder.endswith((".dist-info", ".libs")) and "__pycache__" not in member.path:
                name = canonicalize_name(
                    folder.removesuffix(".libs").removesuffix(".dist-info").partition("-")[0]
                )
                found.setdefault(name, []).append(member)
                break
    return [_Wheel(notice.metadata(own), tuple(own)) for _, own in sorted(found.items())]


def _library(wheel: _Wheel) -> Json:
    licence = notice.licence(wheel.metadata)
    is_expression = bool(wheel.metadata["License-Expression"])
    found: Json = {
        "bom-ref": wheel.reference,
        "type": "library",
        "name": wheel.metadata["Name"],
        "version": wheel.metadata["Version"],
        "purl": wheel.reference,
        "licenses": [{"expression": licence} if is_expression else {"license": {"name": licence}}],
    }
    if source := notice.source(wheel.metadata):
        found["externalReferences"] = [{"type": "vcs", "url": source}]
    if inside := [*_from_own_bills(wheel), *_bundled_files(wheel)]:
        found["components"] = inside
    return found


def _from_own_bills(wheel: _Wheel) -> Iterator[Json]:
    """Yield the libraries that the wheel's own bills list, but for the package itself."""
    for member in wheel.members:
        if "/sboms/" in member.path and member.path.endswith(".cdx.json"):
            for component in json.loads(archive.unpacked(member)).get("components", ()):
                if canonicalize_name(component["name"]) != canonicalize_name(wheel.metadata["Name"]):
                    yield _taken_over(component, wheel.reference)


def _taken_over(component: Mapping[str, Any], package: str) -> Json:
    reference = component.get("bom-ref") or f"{component['name']}@{component.get('version', '')}"
    kept = {key: component[key] for key in _KEPT if key in component}
    return {"type": component["type"], "bom-ref": f"{package}#{reference}", **kept}


def _bundled_files(wheel: _Wheel) -> Iterator[Json]:
    for member in wheel.members:
        if notice.is_bundled(member.path):
            digest = hashlib.sha256(archive.unpacked(member)).hexdigest()
            yield {
                "type": "file",
                "bom-ref": f"{wheel.reference}#{member.path}",
                "name": member.path,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }


def _needs(members: Sequence[Member]) -> list[Json]:
    """Return which package needs which other one of the layer; what is needed for an extra only is left out."""
    wheels = {canonicalize_name(wheel.metadata["Name"]): wheel for wheel in _wheels(members)}
    found = []
    for wheel in wheels.values():
        needed = set()
        for text in wheel.metadata.get_all("Requires-Dist", []):
            requirement = Requirement(text)
            other = wheels.get(canonicalize_name(requirement.name))
            if other and "extra" not in str(requirement.marker or ""):
                needed.add(other.reference)
        found.append({"ref": wheel.reference, "dependsOn": sorted(needed)})
    return found
