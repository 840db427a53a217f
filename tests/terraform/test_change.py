"""What a pull request is told of its plan."""

import re

import pytest

from tests.terraform.change import LIMIT, markdown
from tests.terraform.root import VARIABLES, TerraformRoot

GITHUB_TAKES = 65_536  # characters in a comment
PLAN = """
Terraform will perform the following actions:

  # aws_sqs_queue.fulfillment will be updated in-place
  ~ resource "aws_sqs_queue" "fulfillment" {
      ~ visibility_timeout_seconds = 180 -> 240
    }

Plan: 0 to add, 1 to change, 0 to destroy.
"""


def test_the_whole_plan_is_in_it_folded_below_its_total():
    told = markdown(PLAN, "abc1234")
    shown, _, folded = told.partition("<details>")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in shown
    assert "`abc1234`" in shown
    assert PLAN.strip() in folded
    assert folded.rstrip().endswith("```\n\n</details>")
    assert "cut" not in told


def test_no_changes_are_said_to_be_none():
    told = markdown("", "abc1234")
    assert "No changes." in told
    assert "<details>" not in told


def test_a_long_plan_is_cut_at_a_line_and_says_so():
    lines = [f"  + line {number} of a très long plan" for number in range(5_000)]
    told = markdown("\n".join([*lines, "Plan: 5000 to add."]), "abc1234")
    assert GITHUB_TAKES - 2_000 < len(told) <= LIMIT < GITHUB_TAKES
    assert "Plan: 5000 to add." in told.partition("<details>")[0]
    assert "it has 5,001 lines" in told
    fenced = told.split("```")
    assert len(fenced) == 3, "the fence is closed"
    kept = fenced[1].strip("\n").splitlines()
    assert kept == lines[: len(kept)]


@pytest.mark.parametrize("size", [LIMIT - 300, LIMIT - 200, LIMIT - 100, LIMIT])
def test_no_plan_is_longer_than_a_comment(size):
    told = markdown("x" * 10 + "\n" + "y" * (size - 11), "abc1234")
    assert len(told) <= LIMIT
    assert told.count("</details>") == 1


def test_a_plan_that_quotes_markdown_does_not_end_the_quotation():
    told = markdown(f"{PLAN}\n      + body = <<-EOT\n```sh\n````\nEOT\n", "abc1234")
    assert told.count("`````") == 2


@pytest.mark.docker
def test_a_checkout_is_planned_against_what_another_has_deployed(deployed, tmp_path):
    head = TerraformRoot(
        tmp_path, deployed.stack, variables={**VARIABLES, "sqs_max_receive_count": "4", "unknown": "1"}
    )
    head.follow(deployed.root)
    plan = head.changes()
    assert "maxReceiveCount     = 3 -> 4" in plan
    assert re.search(r"^Plan: 0 to add, \d+ to change, 0 to destroy\.$", plan, re.MULTILINE)
