"""Plans a checkout's Terraform against a base that is applied to LocalStack.

    python -m tests.terraform.change FOLDER_OF_THE_BASE

Prints Markdown for a comment. It needs Docker and Terraform, but no account or secret, so any pull request may run it.
"""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.compose.stack import Stack
from tests.terraform.root import OVERRIDE, VARIABLES, TerraformRoot

LIMIT = 65_000  # characters; GitHub's limit for a comment is 65,536, and the posting job adds a line


def plan_changes(base: Path, folder: Path, stack: Stack) -> str:
    """Plan this checkout against a deployed base. Returns the plan; empty without changes."""
    # Each root overrides resources that LocalStack lacks. Both get the same values, so these show no changes.
    theirs = runpy.run_path(str(base / "tests" / "terraform" / "root.py"))
    variables = {**theirs["VARIABLES"], **VARIABLES}
    deployed = TerraformRoot(folder / "base", stack, base, theirs["OVERRIDE"], variables)
    deployed.apply()
    head = TerraformRoot(folder / "head", stack, override=OVERRIDE, variables=variables)
    head.take_state_of(deployed)
    return head.changes()


def markdown(plan: str, base: str, limit: int = LIMIT) -> str:
    """Write a comment with a plan, within the limit."""
    title = "### Terraform: what this changes in a deployment\n\n"
    how = f"`{base}` was applied to LocalStack, and this planned against it."
    if not plan:
        return f"{title}No changes. {how}\n"
    lines = plan.strip("\n").splitlines()
    total = next((line for line in lines if line.startswith("Plan: ")), "Only outputs change.")
    # The fence must be longer than any fence in the plan.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", plan)), default=0))
    start = f"{title}{total} {how}\n\n<details><summary>The plan</summary>\n\n{fence}\n"
    end = f"\n{fence}\n\n</details>\n"
    body = "\n".join(lines)
    if len(start + body + end) > limit:
        end += f"\nThe plan is cut: it has {len(lines):,} lines. The log of the run has all of them.\n"
        body = body[: limit - len(start + end)].rpartition("\n")[0]
    return start + body + end


def main() -> None:
    """Print the changes of this checkout."""
    base = Path(sys.argv[1]).resolve()
    revision = ["git", "-C", str(base), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(revision, capture_output=True, text=True, check=True).stdout.strip()
    stack = Stack("dofs-change")
    stack.down()
    try:
        stack.compose("up", "--detach", "--wait", "localstack")
        with TemporaryDirectory() as folder:
            plan = plan_changes(base, Path(folder), stack)
    finally:
        stack.down()
    sys.stderr.write(plan)
    sys.stdout.write(markdown(plan, commit))


if __name__ == "__main__":
    main()
