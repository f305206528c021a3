"""`make fuzz`: at least 20,000 inputs. FUZZ_SEED has a run again, FUZZ_INPUTS says how many."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    os.environ["FUZZ_INPUTS"] = os.environ.get("FUZZ_INPUTS") or "20500"
    os.environ["FUZZ_SEED"] = os.environ.get("FUZZ_SEED") or str(secrets.randbelow(2**32))
    sys.exit(pytest.main(["-s", "-q", "-p", "no:cacheprovider", str(Path(__file__).parent)]))
