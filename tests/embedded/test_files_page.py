"""The commands of docs/files.md, run as they are written."""

import os
import re
import subprocess
from pathlib import Path

from tests.cli.commands import DOFS, clean_environment
from tests.embedded.support import running_cloud, serving
from tests.polling import PATIENCE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/files.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SHOWN = PAGE.partition("The first command prints:\n\n```\n")[2].partition("```")[0]


def test_the_commands_of_the_page_succeed(tmp_path):
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    with running_cloud(fulfillment_success_rate=1) as cloud, serving(cloud) as url:
        path = f"{DOFS.parent}{os.pathsep}{os.environ['PATH']}"
        said = []
        for block in BLOCKS:
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=tmp_path,
                env=clean_environment(PATH=path, DOFS_API_URL=url),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            assert ran.returncode == 0, ran.stderr
            said.append(ran.stdout)
    assert len(BLOCKS) == 4
    assert SHOWN
    assert said[0].startswith(SHOWN)
    assert re.search(r"valid +2\n.*FULFILLED +2\n.*1001", said[0], re.DOTALL), said[0]
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 2
    assert [len(re.findall(r"accepted +[1-9]", text)) for text in said[1:]] == [1, 1, 4]
