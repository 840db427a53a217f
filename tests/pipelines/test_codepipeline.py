"""The buildspecs of the CodePipeline are valid, belong to a project, and call existing targets."""

import re
import subprocess

import pytest

from tests.compose.stack import ROOT
from tests.pipelines.codebuild import BUILDSPECS, GIVEN, PROJECTS, commands


@pytest.mark.parametrize("build", BUILDSPECS)
def test_a_buildspec_fails_with_any_of_its_commands(build):
    buildspec = BUILDSPECS[build]
    assert buildspec["version"] == 0.2
    assert buildspec.keys() == {"version", "env", "phases"}, "an artifact would copy secrets out of the state bucket"
    assert buildspec["env"]["shell"] == "bash"
    assert all(isinstance(value, str) for value in buildspec["env"].get("variables", {}).values())
    assert buildspec["phases"].keys() <= {"install", "build"}, "a post_build runs even after a failed build"
    for phase in buildspec["phases"].values():
        assert phase.keys() <= {"runtime-versions", "commands"}, "on-failure and finally continue after a failure"
    for command in commands(buildspec):
        assert isinstance(command, str)
        assert "\n" not in command, "only the last of several lines would decide about success"
        assert "|" not in command.replace("||", ""), "only the last command of a pipe decides about success"
        checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_each_project_has_one_buildspec():
    named = re.findall(r'buildspec += "terraform/buildspecs/([a-z]+)\.yml"', (ROOT / "terraform/builds.tf").read_text())
    assert sorted(named) == sorted(BUILDSPECS) == sorted(PROJECTS)


def test_each_make_target_of_the_buildspecs_exists():
    makefile = (ROOT / "Makefile").read_text()
    made = {build: re.findall(r"\bmake ([a-z-]+)", " ".join(commands(spec))) for build, spec in BUILDSPECS.items()}
    assert all(made.values())
    for target in {target for targets in made.values() for target in targets}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"


@pytest.mark.parametrize("build", BUILDSPECS)
def test_each_variable_of_a_buildspec_is_set(build):
    used = set(re.findall(r"\$\{?([A-Z_]+)\b(?!:-)", " ".join(commands(BUILDSPECS[build]))))
    own = BUILDSPECS[build]["env"].get("variables", {}).keys()
    made = set(re.findall(r"\b([A-Z]+)=\$\(", " ".join(commands(BUILDSPECS[build]))))
    assert used <= own | PROJECTS[build].keys() | GIVEN.keys() | made


def test_terraform_is_installed_only_with_its_checksum():
    script = (ROOT / "terraform/scripts/install-terraform.sh").read_text()
    assert re.search(r"^version=1\.11\.\d+ sha256=[0-9a-f]{64}$", script, re.MULTILINE)
    assert script.index("sha256sum --check") < script.index("unzip")
