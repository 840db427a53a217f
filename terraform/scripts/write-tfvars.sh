#!/usr/bin/env bash
# Writes terraform.tfvars and backend.conf from environment variables, for pipelines; a laptop has the files.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: make deploy-settings        or: terraform/scripts/write-tfvars.sh

Writes terraform/terraform.tfvars and terraform/backend.conf from environment variables:

  TF_STATE_BUCKET      the bucket of Terraform's states; required
  NOTIFICATION_EMAIL   who is told of alarms; required, here or in TFVARS
  AWS_REGION           the region; ap-south-1 if empty
  ENVIRONMENT          dev, staging or prod; dev if empty
  PROJECT_NAME         the first part of every name; dofs if empty
  TFVARS               more lines of terraform.tfvars, such as: api_auth = "api_key"
  TF_STATE_LOCK_TABLE  a DynamoDB table of locks, where other tools look at one; states are locked without

A variable that is set here goes before a line of TFVARS with the same name. Files that were written by hand stay: it
refuses to replace them.
TEXT
}

die() { echo "write-tfvars: $*" >&2; exit 1; }
case ${1:-} in
  "") ;;
  --help | -h) usage; exit ;;
  *) die "there is no option $1; see --help" ;;
esac

cd "$(dirname "$0")"/..
mark="# Written by make deploy-settings from environment variables."

lines=${TFVARS:-}
# It may be a secret, so it is not shown.
plain() { # NAME VALUE
  [[ $2 != *[\"\\\$%$'\n']* ]] || die "the value of $1 holds a character that it must not"
}
tell() { # NAME VALUE
  [ -n "$2" ] || return 0
  plain "$1" "$2"
  lines=$(grep -vE "^ *$1 *=" <<<"$lines" || true)
  lines+=$'\n'"$1 = \"$2\""
}
tell aws_region "${AWS_REGION:-}"
tell environment "${ENVIRONMENT:-}"
tell project_name "${PROJECT_NAME:-}"
tell notification_email "${NOTIFICATION_EMAIL:-}"

plain TF_STATE_BUCKET "${TF_STATE_BUCKET:-}"
plain TF_STATE_LOCK_TABLE "${TF_STATE_LOCK_TABLE:-}"
[ -n "${TF_STATE_BUCKET:-}" ] || die "TF_STATE_BUCKET is not set: the output state_bucket of terraform/bootstrap"
grep -qE '^ *notification_email *=' <<<"$lines" || die "NOTIFICATION_EMAIL is not set: who is told of alarms"
region=$(sed -nE 's/^ *aws_region *= *"([^"]*)".*/\1/p' <<<"$lines")
for file in terraform.tfvars backend.conf; do
  [ ! -f "$file" ] || [[ $(head -n 1 "$file") == "# Written by "*" from environment variables." ]] ||
    die "terraform/$file is there, and was not written by this"
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
