"""What was copied into the repository is still what it was copied from, where that is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import ROOT

SHARED = ROOT.parent / "shared"
COPIES = [
    (SHARED / "facts", ROOT / "data" / "facts"),
    (SHARED / "eval", ROOT / "tests" / "evaluation"),
    (SHARED / "tools", ROOT / "tests" / "evaluation"),
]
#: Not copied: left by running the original.
LEFT_OUT = ("__pycache__",)


def originals() -> list[tuple[Path, Path]]:
    return [
        (path, copy / path.relative_to(original))
        for original, copy in COPIES
        for path in sorted(original.rglob("*"))
        if path.is_file() and not set(LEFT_OUT) & set(path.parts)
    ]


@pytest.mark.skipif(not SHARED.exists(), reason=f"the originals are not at {SHARED.name}/ beside the repository")
@pytest.mark.parametrize(("original", "copy"), originals(), ids=lambda path: path.name)
def test_a_copy_is_as_its_original(original: Path, copy: Path) -> None:
    assert copy.exists(), f"{copy} is missing"
    assert copy.read_bytes() == original.read_bytes()


@pytest.mark.skipif(not SHARED.exists(), reason=f"the originals are not at {SHARED.name}/ beside the repository")
def test_no_copied_fact_lacks_its_original() -> None:
    assert {path.name for path in (ROOT / "data" / "facts").iterdir()} == {
        path.name for path in (SHARED / "facts").iterdir()
    }
