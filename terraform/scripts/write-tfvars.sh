#!/usr/bin/env bash
# Writes terraform.tfvars and backend.conf from environment variables. Pipelines run it; a developer edits the files.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: make deploy-settings        or: terraform/scripts/write-tfvars.sh

Writes terraform/terraform.tfvars and terraform/backend.conf from environment variables:

  TF_STATE_BUCKET      the bucket for Terraform states; required
  NOTIFICATION_EMAIL   the e-mail address that alarms notify; required, here or in TFVARS
  AWS_REGION           the region; ap-south-1 if empty
  ENVIRONMENT          dev, staging or prod; dev if empty
  PROJECT_NAME         the prefix of every name; dofs if empty
  TFVARS               more lines for terraform.tfvars, such as: api_auth = "api_key"
  TF_STATE_LOCK_TABLE  a DynamoDB table for locks, if other tools use one; Terraform locks states without it

A variable that is set here replaces a line of TFVARS with the same name. Fails if a file exists that it did not write.
TEXT
}

die() { echo "write-tfvars: $*" >&2; exit 1; }
case ${1:-} in
  "") ;;
  --help | -h) usage; exit ;;
  *) die "unknown option $1; see --help" ;;
esac

cd "$(dirname "$0")"/..
mark="# Written by make deploy-settings from environment variables."

lines=${TFVARS:-}
# The value may be a secret, so the error does not show it.
check_value() { # NAME VALUE
  [[ $2 != *[\"\\\$%$'\n']* ]] || die "the value of $1 must not hold quotes, backslashes, \$, % or line breaks"
}
set_variable() { # NAME VALUE
  [ -n "$2" ] || return 0
  check_value "$1" "$2"
  lines=$(grep -vE "^ *$1 *=" <<<"$lines" || true)
  lines+=$'\n'"$1 = \"$2\""
}
set_variable aws_region "${AWS_REGION:-}"
set_variable environment "${ENVIRONMENT:-}"
set_variable project_name "${PROJECT_NAME:-}"
set_variable notification_email "${NOTIFICATION_EMAIL:-}"

check_value TF_STATE_BUCKET "${TF_STATE_BUCKET:-}"
check_value TF_STATE_LOCK_TABLE "${TF_STATE_LOCK_TABLE:-}"
[ -n "${TF_STATE_BUCKET:-}" ] || die "TF_STATE_BUCKET is not set: set it to the output state_bucket of terraform/bootstrap"
grep -qE '^ *notification_email *=' <<<"$lines" || die "NOTIFICATION_EMAIL is not set: set it to the e-mail address that alarms notify"
region=$(sed -nE 's/^ *aws_region *= *"([^"]*)".*/\1/p' <<<"$lines")
for file in terraform.tfvars backend.conf; do
  [ ! -f "$file" ] || [[ $(head -n 1 "$file") == "# Written by "*" from environment variables." ]] ||
    die "terraform/$file exists and was not written by make deploy-settings: move it away first"
done

printf '%s\n%s\n' "$mark" "$(grep -v '^ *$' <<<"$lines")" >terraform.tfvars
{
  echo "$mark"
  echo "bucket = \"$TF_STATE_BUCKET\""
  echo "region = \"${region:-ap-south-1}\""
  echo "encrypt = true"
  echo "use_lockfile = true"
  [ -z "${TF_STATE_LOCK_TABLE:-}" ] || echo "dynamodb_table = \"$TF_STATE_LOCK_TABLE\""
} >backend.conf
echo "wrote terraform/terraform.tfvars and terraform/backend.conf" >&2
