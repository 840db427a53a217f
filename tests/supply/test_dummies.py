"""The list of dummy secrets is current."""

import subprocess
from pathlib import Path

from tests.supply.dummies import DUMMIES

ROOT = Path(__file__).parents[2]


def test_every_dummy_secret_is_still_in_the_tree():
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    others = [name for name in files.split("\0") if name and name != "tests/supply/dummies.py"]
    text = b"\0".join((ROOT / name).read_bytes() for name in others if (ROOT / name).is_file())
    assert [dummy for dummy in DUMMIES if dummy.encode() not in text] == []
