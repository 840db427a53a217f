"""GitHub's workflows: permissions, commands, and order of jobs."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = [*(ROOT / ".github").glob("workflows/*.yml"), *(ROOT / ".github").glob("actions/*/action.yml")]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
TARGETS = {
    "check": ["check"],
    "oldest-python": ["test"],
    "simulate": ["simulate", "fuzz"],
    "browser": ["test-browser"],
    "compose": ["test-compose"],
    "plan": ["change"],
    "comment": [],
}


def read(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / name).read_text())
    return found


CI, DEPLOY, AUDIT = (read(f"workflows/{name}.yml") for name in ("ci", "deploy", "audit"))
WORKFLOWS = {"ci": CI, "deploy": DEPLOY, "audit": AUDIT}
JOBS = {f"{name}/{job}": told for name, workflow in WORKFLOWS.items() for job, told in workflow["jobs"].items()}
ACTIONS = {name: read(f"actions/{name}/action.yml") for name in ("tools", "deployment")}
STEPS = [step for told in JOBS.values() for step in told.get("steps", [])]
STEPS += [step for action in ACTIONS.values() for step in action["runs"]["steps"]]


def make_targets(job: dict[str, Any]) -> list[str]:
    """The make targets of a job."""
    return re.findall(r"\bmake (?:-s )?([\w-]+)", "\n".join(step.get("run", "") for step in job["steps"]))


def required_jobs(job: str) -> set[str]:
    """The jobs that must pass before a job of the deployment."""
    needs = DEPLOY["jobs"][job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*map(required_jobs, direct))


def test_every_workflow_and_action_is_tested():
    assert {file.stem for file in FILES if file.parent.name == "workflows"} == WORKFLOWS.keys()
    assert {file.parent.name for file in FILES if file.name == "action.yml"} == ACTIONS.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_action_is_pinned_to_a_commit_with_its_version(file):
    used = re.findall(r"^\s*(?:- )?uses: (.*)$", file.read_text(), re.MULTILINE)
    assert used
    for each in used:
        assert (ROOT / each).exists() if each.startswith("./.github/") else PINNED.match(each), each


def test_an_action_is_used_in_one_version():
    used = {line for file in FILES for line in re.findall(r"uses: (\S+@.*)$", file.read_text(), re.MULTILINE)}
    assert len({each.partition("@")[0] for each in used}) == len(used)


def test_workflows_have_minimal_permissions():
    assert [workflow["permissions"] for workflow in WORKFLOWS.values()] == [{"contents": "read"}] * len(WORKFLOWS)
    more = {name: told["permissions"] for name, told in JOBS.items() if "permissions" in told}
    deployer = {"contents": "read", "id-token": "write"}
    assert more == {
        "ci/comment": {"pull-requests": "write"},
        "deploy/ci": {"contents": "read", "pull-requests": "write"},
        "deploy/not-deployed": {},
        "deploy/build": deployer,
        "deploy/plan": deployer,
        "deploy/apply": deployer,
        "deploy/provenance": {"id-token": "write", "attestations": "write"},
    }


def test_scripts_have_no_expressions_and_checkouts_no_token():
    assert not [step["run"] for step in STEPS if "${{" in step.get("run", "")]
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_jobs_use_no_cache_and_have_a_timeout():
    assert not [step for step in STEPS if "cache" in step.get("uses", "") or "cache" in step.get("with", {})]
    for name, job in JOBS.items():
        assert name == "deploy/ci" or job["timeout-minutes"] <= 60, name


def test_a_failure_in_a_pipe_fails_the_step():
    assert {workflow["defaults"]["run"]["shell"] for workflow in WORKFLOWS.values()} == {"bash"}
    assert not [each for each in [*JOBS.values(), *STEPS] if "continue-on-error" in each]
    scripts = "".join(step.get("run", "") for step in STEPS)
    assert not re.search(r"\|\| *(true|:)|set \+e", scripts)


def test_every_change_goes_through_ci_once():
    assert CI[True].keys() == {"push", "pull_request", "workflow_call"}
    assert CI[True]["push"] == {"branches-ignore": ["main"]}
    assert DEPLOY[True]["push"] == {"branches": ["main"]}
    assert DEPLOY["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"
    targets = {name: make_targets(job) for name, job in CI["jobs"].items()}
    assert targets == TARGETS
    conditional = {name for name, job in CI["jobs"].items() if "if" in job}
    assert conditional == {"plan", "comment"}


def test_every_make_target_of_the_workflows_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {target for job in JOBS.values() if "steps" in job for target in make_targets(job)}
    used |= {target for action in ACTIONS.values() for target in make_targets(action["runs"])}
    assert used - targets == set()


def test_ci_has_no_secrets():
    told = (ROOT / ".github/workflows/ci.yml").read_text() + (ROOT / ".github/actions/tools/action.yml").read_text()
    assert "secrets" not in told.replace("no secret", "")
    assert "vars." not in told
    assert "secrets" not in DEPLOY["jobs"]["ci"], "the deployment passes secrets to ci"


def test_the_commenting_job_runs_no_code_of_the_pull_request():
    comment = CI["jobs"]["comment"]
    used = [step["uses"].partition("@")[0] for step in comment["steps"] if "uses" in step]
    assert used == ["actions/download-artifact"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in comment["if"]
    assert "dependabot[bot]" in comment["if"]
    holders = [name for name, job in JOBS.items() if "github.token" in str(job)]
    assert holders == ["ci/comment"]


@pytest.mark.parametrize("there", ["", "17\n18\n"], ids=["the first time", "again"])
def test_a_pull_request_has_one_comment_that_is_updated(tmp_path, there):
    gh = tmp_path / "gh"
    gh.write_text(f'#!/bin/bash\ncase "$*" in *--paginate*) printf {there!r} ;; *) echo "$@" >called ;; esac\n')
    gh.chmod(0o755)
    (tmp_path / "change.md").write_text("### A plan\n")
    step = CI["jobs"]["comment"]["steps"][-1]
    given = {
        "MARK": step["env"]["MARK"],
        "NUMBER": "7",
        "GITHUB_REPOSITORY": "o/n",
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path, env=given, check=True)
    where = "--method PATCH repos/o/n/issues/comments/17" if there else "repos/o/n/issues/7/comments"
    assert (tmp_path / "called").read_text() == f"api --silent {where} --field body=@body.md\n"
    assert (tmp_path / "body.md").read_text() == f"{given['MARK']}\n### A plan\n"
    assert 'select(.user.login == "github-actions[bot]" and (.body | startswith(env.MARK)))' in step["run"]


def test_a_commit_is_tested_built_planned_and_applied_in_order():
    assert required_jobs("build") == {"ci"}
    assert required_jobs("plan") == {"ci", "build"}
    assert required_jobs("apply") == {"ci", "build", "plan"}
    assert DEPLOY["jobs"]["apply"]["environment"] == "${{ vars.ENVIRONMENT || 'dev' }}"
    assert [name for name, job in DEPLOY["jobs"].items() if "environment" in job] == ["apply"]
    targets = {name: make_targets(job) for name, job in DEPLOY["jobs"].items() if "steps" in job}
    assert targets == {
        "not-deployed": [],
        "build": ["deploy-image"],
        "plan": ["deploy-plan"],
        "apply": ["deploy-apply"],
        "sbom": ["sbom"],
        "provenance": [],
    }
    assert make_targets(ACTIONS["deployment"]["runs"]) == ["deploy-settings"]


def test_without_a_state_bucket_or_on_another_branch_nothing_is_deployed():
    passed = "${{ !cancelled() && needs.ci.result == 'success' && "
    condition = "vars.TF_STATE_BUCKET != '' && github.ref == 'refs/heads/main' }}"
    assert DEPLOY["jobs"]["build"]["if"] == passed + condition
    otherwise = "(vars.TF_STATE_BUCKET == '' || github.ref != 'refs/heads/main') }}"
    assert DEPLOY["jobs"]["not-deployed"]["if"] == passed + otherwise
    after = {name for name in DEPLOY["jobs"] if "build" in required_jobs(name)}
    assert after == {"plan", "apply", "sbom", "provenance"}
    assert "::notice" in DEPLOY["jobs"]["not-deployed"]["steps"][0]["run"]


def test_a_run_applies_its_own_plan():
    for name in ("plan", "apply"):
        assert f'make {"-s " * (name == "plan")}deploy-{name} ARGS="--run $GITHUB_RUN_ID' in str(DEPLOY["jobs"][name])


def test_the_smoke_test_runs_unless_switched_off():
    (step,) = [step for step in DEPLOY["jobs"]["apply"]["steps"] if "run" in step]
    assert step["run"].endswith(' $NO_SMOKE"')
    assert (
        step["env"]["NO_SMOKE"]
        == "${{ github.event_name == 'workflow_dispatch' && !inputs.smoke && '--no-smoke' || '' }}"
    )
    assert DEPLOY[True]["workflow_dispatch"]["inputs"]["smoke"]["default"] is True


def test_a_skipped_ci_job_skips_no_later_job():
    """Without a status function in its condition, a job is skipped if any earlier job was skipped."""
    for name, job in DEPLOY["jobs"].items():
        if "needs" in job:
            assert job["if"].startswith(f"${{{{ !cancelled() && needs.{job['needs']}.result == 'success'"), name


@pytest.mark.parametrize("tag", ["c0ffee-amd64", ""], ids=["built here", "already pushed"])
def test_provenance_is_attested_only_for_an_image_built_in_the_run(tmp_path, tag):
    for name, said in (
        ("make", f"123456789012.dkr.ecr.eu.amazonaws.com/dofs@sha256:{'a' * 64}"),
        ("docker", f"3.13\n{tag}"),
    ):
        (tmp_path / name).write_text(f"#!/bin/bash\nprintf '%b\\n' '{said}'\n")
        (tmp_path / name).chmod(0o755)
    (script,) = [step["run"] for step in DEPLOY["jobs"]["build"]["steps"] if step.get("id") == "image"]
    given = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_SHA": "c0ffee", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], env=given, check=True)
    assert (tmp_path / "output").read_text().splitlines() == [f"digest=sha256:{'a' * 64}", f"built={tag}"]
    assert "needs.build.outputs.built &&" in DEPLOY["jobs"]["provenance"]["if"]


def test_deployments_of_an_environment_run_one_at_a_time():
    assert DEPLOY["concurrency"]["cancel-in-progress"] is False
    deployed = "github.ref == 'refs/heads/main' && vars.TF_STATE_BUCKET && (vars.ENVIRONMENT || 'dev')"
    assert DEPLOY["concurrency"]["group"] == f"deploy-${{{{ {deployed} || github.run_id }}}}"
    assert CI["concurrency"]["group"].startswith("ci-"), "with its caller's group, GitHub would cancel both"


def test_only_deploying_jobs_get_credentials():
    given = {name for name, job in JOBS.items() if "AWS_SECRET_ACCESS_KEY" in str(job)}
    assert given == {"deploy/build", "deploy/plan", "deploy/apply"}
    assert not [name for name in DEPLOY["env"] if "KEY" in name or "ROLE" in name]


def test_every_variable_and_secret_is_documented():
    told = (ROOT / ".github/workflows/deploy.yml").read_text()
    used = set(re.findall(r"\b(?:vars|secrets)\.(\w+)", told))
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs/pipelines.md").read_text()))
    assert used - documented == set()
    settings = {"AWS_REGION", "ENVIRONMENT", "PROJECT_NAME", "NOTIFICATION_EMAIL", "TFVARS"}
    settings |= {"TF_STATE_BUCKET", "TF_STATE_LOCK_TABLE"}
    assert DEPLOY["env"].keys() == settings
    assert used == settings | {"AWS_ROLE_ARN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
