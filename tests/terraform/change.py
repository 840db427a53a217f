"""What a checkout changes in a deployment: the Terraform of a base is applied to LocalStack, and its own planned then.

    python -m tests.terraform.change FOLDER_OF_THE_BASE

Prints Markdown for a comment. It takes Docker and Terraform, but no account and no secret, so any pull request may run
it.
"""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.compose.stack import Stack
from tests.terraform.root import OVERRIDE, VARIABLES, TerraformRoot

LIMIT = 65_000  # characters; GitHub takes 65,536 in a comment, and who posts this one may add a line to it


def changed(base: Path, folder: Path, stack: Stack) -> str:
    """The plan of this checkout where a base is deployed; empty if it changes nothing."""
    # Each knows which of its resources LocalStack does not; the values are the same for both, as they are no change.
    theirs = runpy.run_path(str(base / "tests" / "terraform" / "root.py"))
    variables = {**theirs["VARIABLES"], **VARIABLES}
    deployed = TerraformRoot(folder / "base", stack, base, theirs["OVERRIDE"], variables)
    deployed.apply()
    head = TerraformRoot(folder / "head", stack, override=OVERRIDE, variables=variables)
    head.follow(deployed)
    return head.changes()


def markdown(plan: str, base: str, limit: int = LIMIT) -> str:
    """A comment that tells of a plan, no longer than a comment may be."""
    title = "### Terraform: what this changes in a deployment\n\n"
    how = f"`{base}` was applied to LocalStack, and this planned against it."
    if not plan:
        return f"{title}No changes. {how}\n"
    lines = plan.strip("\n").splitlines()
    total = next((line for line in lines if line.startswith("Plan: ")), "Only outputs change.")
    # A plan may quote Markdown; its fence has to be longer than any of its own.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", plan)), default=0))
    start = f"{title}{total} {how}\n\n<details><summary>The plan</summary>\n\n{fence}\n"
    end = f"\n{fence}\n\n</details>\n"
    told = "\n".join(lines)
    if len(start + told + end) > limit:
        end += f"\nThe plan is cut: it has {len(lines):,} lines. The log of the run has them all.\n"
        told = told[: limit - len(start + end)].rpartition("\n")[0]
    return start + told + end


def main() -> None:
    """Tell what this checkout changes."""
    base = Path(sys.argv[1]).resolve()
    revision = ["git", "-C", str(base), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(revision, capture_output=True, text=True, check=True).stdout.strip()
    stack = Stack("dofs-change")
    stack.down()
    try:
        stack.compose("up", "--detach", "--wait", "localstack")
        with TemporaryDirectory() as folder:
            plan = changed(base, Path(folder), stack)
    finally:
        stack.down()
    sys.stderr.write(plan)
    sys.stdout.write(markdown(plan, commit))


if __name__ == "__main__":
    main()
