"""The comment on a pull request with its plan."""

import re

import pytest

from tests.terraform.change import LIMIT, markdown
from tests.terraform.root import VARIABLES, TerraformRoot

GITHUB_LIMIT = 65_536  # characters in a comment
PLAN = """
Terraform will perform the following actions:

  # aws_sqs_queue.fulfillment will be updated in-place
  ~ resource "aws_sqs_queue" "fulfillment" {
      ~ visibility_timeout_seconds = 180 -> 240
    }

Plan: 0 to add, 1 to change, 0 to destroy.
"""


def test_the_comment_has_the_whole_plan_folded_below_its_total():
    comment = markdown(PLAN, "abc1234")
    shown, _, folded = comment.partition("<details>")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in shown
    assert "`abc1234`" in shown
    assert PLAN.strip() in folded
    assert folded.rstrip().endswith("```\n\n</details>")
    assert "cut" not in comment


def test_a_plan_without_changes_says_so():
    comment = markdown("", "abc1234")
    assert "No changes." in comment
    assert "<details>" not in comment


def test_a_long_plan_is_cut_at_a_line_with_a_note():
    lines = [f"  + line {number} of a très long plan" for number in range(5_000)]
    comment = markdown("\n".join([*lines, "Plan: 5000 to add."]), "abc1234")
    assert GITHUB_LIMIT - 2_000 < len(comment) <= LIMIT < GITHUB_LIMIT
    assert "Plan: 5000 to add." in comment.partition("<details>")[0]
    assert "it has 5,001 lines" in comment
    fenced = comment.split("```")
    assert len(fenced) == 3, "the fence is closed"
    kept = fenced[1].strip("\n").splitlines()
    assert kept == lines[: len(kept)]


@pytest.mark.parametrize("size", [LIMIT - 300, LIMIT - 200, LIMIT - 100, LIMIT])
def test_no_plan_is_longer_than_a_comment(size):
    comment = markdown("x" * 10 + "\n" + "y" * (size - 11), "abc1234")
    assert len(comment) <= LIMIT
    assert comment.count("</details>") == 1


def test_markdown_in_a_plan_does_not_end_the_code_block():
    comment = markdown(f"{PLAN}\n      + body = <<-EOT\n```sh\n````\nEOT\n", "abc1234")
    assert comment.count("`````") == 2


@pytest.mark.docker
def test_a_checkout_is_planned_against_a_deployed_base(deployed, tmp_path):
    head = TerraformRoot(
        tmp_path, deployed.stack, variables={**VARIABLES, "sqs_max_receive_count": "4", "unknown": "1"}
    )
    head.take_state_of(deployed.root)
    plan = head.changes()
    assert "maxReceiveCount     = 3 -> 4" in plan
    assert re.search(r"^Plan: 0 to add, \d+ to change, 0 to destroy\.$", plan, re.MULTILINE)
