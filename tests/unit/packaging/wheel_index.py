"""Tiny wheels of our own, and an index of them that pip reads from a folder."""

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PURE = "py3-none-any"


@dataclass
class WheelFolder:
    """A folder of wheels, and the lock and inputs that name them."""

    folder: Path
    hashes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @property
    def cache(self) -> Path:
        return self.folder / "wheels"

    @property
    def output(self) -> Path:
        return self.folder / "packages"

    @property
    def lock(self) -> Path:
        return self.folder / "small.txt"

    def add(
        self,
        pin: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        tag: str = PURE,
        requires: Iterable[str] = (),
        metadata: Mapping[str, str] | None = None,
        executables: Iterable[str] = (),
        level: int = 6,
    ) -> Path:
        """Write a wheel into the index, deflated at `level`, with what installers write and read."""
        name, _, version = pin.partition("==")
        module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
        needs += "".join(f"{field}: {value}\n" for field, value in (metadata or {}).items())
        contents: dict[str, str | bytes] = {
            f"{module}/__init__.py": f"NAME = {name!r}\n" * 20,
            **(files or {}),
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
            f"{info}/RECORD": "",
        }
        path = self.index / f"{module}-{version}-{tag}.whl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as wheel:
            for member, content in contents.items():
                entry = zipfile.ZipInfo(member, (2024, 2, 3, 4, 5, 6))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (0o100755 if member in set(executables) else 0o100600) << 16
                wheel.writestr(entry, content, compresslevel=level)
        self.hashes.setdefault(pin, []).append(hashlib.sha256(path.read_bytes()).hexdigest())
        return path

    def write_lock(self, *wanted: str, markers: Mapping[str, str] | None = None, extra: str = "") -> Path:
        """Write the inputs as given, and a lock of all wheels of the index with their hashes."""
        self.lock.with_suffix(".in").write_text("\n".join(wanted) + "\n", encoding="utf-8")
        lines = ["# made by a test"]
        for pin, hashes in sorted(self.hashes.items()):
            marker = f" ; {markers[pin]}" if markers and pin in markers else ""
            lines.append(" \\\n".join([f"{pin}{marker}", *(f"    --hash=sha256:{each}" for each in hashes)]))
            lines.append("    # via -r small.in")
        self.lock.write_text("\n".join(lines) + f"\n{extra}", encoding="utf-8")
        return self.lock

    def leftovers(self) -> list[str]:
        """Name what a failed or finished build must not leave: temporary files and empty wheels."""
        everything = [*self.cache.rglob("*"), *self.output.rglob("*")]
        return [path.name for path in everything if path.name.startswith(".t")]
