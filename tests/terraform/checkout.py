"""A checkout with the deploy script, and fake tools that record their calls."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "terraform" / "scripts" / "deploy.sh"
DIGEST = "sha256:" + "a" * 64
REPOSITORY = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs"

NO_OUTPUTS = "Warning: No outputs found"
"""Terraform's output, with exit code 0, without a state."""

TOOLS = {
    "aws": """
[ "$AWS_DEFAULT_REGION" = "$AWS_REGION" ] || exit 253
case "$*" in
  *get-login-password*) echo secret ;;
  *imageTag=*) [ -e "$CHECKOUT/pushed" ] && [ -z "${EXPIRED:-}" ] && echo "$DIGEST" && exit
    echo "An error occurred (${EXPIRED:-ImageNotFoundException})" >&2; exit 254 ;;
  *imageDigest=*) [ -z "${NOT_IN_ECR:-}" ] || exit 254 ;;
  *describe-repositories*) [ -n "${ECR_NAME:-}" ] && echo "$ECR_NAME" || { echo "${AWS_SAYS:-}" >&2; exit 254; } ;;
  *get-alias*) cat "$CHECKOUT/live" 2>/dev/null || exit 254 ;;
  *update-alias*) echo "${@: -1}" >"$CHECKOUT/live" ;;
  *list-versions*) printf '$LATEST\t9\t10\t12\t11\t2\n' ;;
  "s3 cp --quiet s3://"*) cp "$CHECKOUT/${4##*/}" "$5" ;;
  "s3 cp --quiet "*) cp "$4" "$CHECKOUT/${5##*/}" ;;
esac
""",
    "docker": """
case "$1 $2" in
  push*) touch "$CHECKOUT/pushed" ;;
  "image inspect") echo "${STAND_IN:-}" ;;
  login*) cat >/dev/null; [ -z "${LOGIN_FAILS:-}" ] || exit 1 ;;
esac
""",
    "terraform": """
case "$*" in
  *ecr_repository_url*) printf %s "${REPOSITORY:-$NO_OUTPUTS}" ;;
  *image_uri) printf %s "${NO_STATE:-$REPOSITORY@$DIGEST}" ;;
  *try_it*) printf %s 'curl …' ;;
  *api_auth) printf %s "${AUTH:-none}" ;;
  *api_key) printf %s k3y ;;
  *gateway_url) [ -z "${NO_URL:-}" ] || exit 1; printf %s https://abc/dev ;;
  *function_name) if [ -e "$CHECKOUT/live" ]; then printf %s dofs-orders-dev; else echo "$NO_OUTPUTS"; fi ;;
  plan*) [ -z "${PLAN_FAILS:-}" ] || exit 1; last=${@: -1}; echo planned >"${last#-out=}" ;;
  apply*)
    [ "${APPLY_FAILS:-}" != early ] || exit 1
    echo "${NEXT:-7}" >"$CHECKOUT/live"
    [ "${APPLY_FAILS:-}" != late ] || exit 1
    ;;
esac
""",
    "dofs": """
echo "$DOFS_API_URL ${DOFS_API_KEY:-}" >>"$CHECKOUT/calls"
echo "${DOFS_TOKEN:-no token}" >>"$CHECKOUT/calls"
[ -z "${MEANWHILE:-}" ] || echo "$MEANWHILE" >"$CHECKOUT/live"
[ -z "${SMOKE_FAILS:-}" ] || exit 1
""",
}


STEPS = ("image", "plan", "apply", "smoke", "rollback", "destroy")


class Checkout:
    """A repository with the script, and fake tools that record their calls."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tools = folder, folder / "tools"
        (folder / "repository" / "terraform" / "scripts").mkdir(parents=True)
        self.tools.mkdir()
        for name, body in TOOLS.items():
            tool, note = self.tools / name, f"{name} $*" + (" in $AWS_REGION" if name == "aws" else "")
            tool.write_text(f'#!/bin/bash\necho "{note}" >>"$CHECKOUT/calls"\n{body}')
            tool.chmod(0o755)
        self.root = folder / "repository"
        shutil.copy(SCRIPT, self.root / "terraform" / "scripts")
        shutil.copy(ROOT / "Makefile", self.root)
        (self.root / ".venv" / "bin").mkdir(parents=True)
        shutil.move(self.tools / "dofs", self.root / ".venv" / "bin")
        (self.root / ".gitignore").write_text(".venv\nterraform.tfvars\nbackend.conf\n")
        (self.root / "terraform" / "terraform.tfvars").touch()
        (self.root / "terraform" / "backend.conf").write_text('bucket       = "states"\n')
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "first")

    def git(self, *command: str) -> str:
        return subprocess.run(["git", *command], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def deploy(self, *arguments: str, answer: str = "yes\n", **environ: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.tools}:{os.environ['PATH']}"
        given = {
            "CHECKOUT": str(self.folder),
            "DIGEST": DIGEST,
            "REPOSITORY": REPOSITORY,
            "NO_OUTPUTS": NO_OUTPUTS,
            **environ,
        }
        return subprocess.run(
            ["bash", "terraform/scripts/deploy.sh", *arguments],
            cwd=self.root,
            env={"HOME": str(self.folder), "PATH": path} | given,
            input=answer,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def calls(self, tool: str = "") -> list[str]:
        file = self.folder / "calls"
        return [line for line in file.read_text().splitlines() if line.startswith(tool)] if file.exists() else []

    def applied(self) -> bool:
        """Whether terraform apply was called."""
        return bool(self.calls("terraform apply"))
