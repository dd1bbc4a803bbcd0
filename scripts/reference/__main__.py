"""`python -m scripts.reference`: write docs/reference/, and what is generated in other documents."""

from pathlib import Path

from scripts.reference.documents import documents
from scripts.reference.recorded import record

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def main() -> None:
    """Write every document, and delete documents that nothing generates any more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = documents(record())
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(written)} files, those with generated parts among them")


if __name__ == "__main__":
    main()
