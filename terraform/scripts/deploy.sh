#!/usr/bin/env bash
# Deploys the checked-out commit: builds its image, plans, asks, applies, and tests the deployment with one order. Pipelines
# run the steps one by one.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: make deploy [ARGS="…"]        or: terraform/scripts/deploy.sh [STEP] [OPTION…]

Without a STEP: builds and pushes the image of the checked-out commit, plans, asks, applies, and tests the deployment
with one order (smoke test). If the smoke test fails, it points the alias `live` back at the previous version.

  image      build the commit's image, push it unless ECR has it, and print its URI with the digest
  plan       plan the deployment of that image, and store the plan in the state bucket
  apply      apply the stored plan, run the smoke test, and roll back if it fails
  smoke      run the smoke test
  rollback   point the alias `live` at the previous version, or at --version
  destroy    destroy the deployment, after a question

  --image URI       deploy this image, ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:…, and build none
  --platform NAME   linux/amd64 or linux/arm64; by default according to lambda_architecture in terraform.tfvars
  --repository URI  the ECR repository; by default terraform/bootstrap's, or the one with the project's name
  --revision SHA    the commit, if the source has no .git directory
  --run ID          the id of the pipeline's run, which applies only its own plan of the commit
  --version N       the version to roll back to
  --yes             do not ask before applying
  --no-smoke        skip the smoke test
  --smoke-timeout TIME  how long the smoke test waits for its order, such as 90s; by default 5m
  --help            show this help

Needs aws, docker (to build an image), git and terraform, AWS credentials in the environment, and the files
terraform/terraform.tfvars and terraform/backend.conf: copy their .example files, or run `make deploy-settings`.
With api_auth = "cognito" the smoke test needs an ID token of the user pool in DOFS_TOKEN; without one, apply skips it.
TEXT
}

die() { echo "deploy: $*" >&2; exit 1; }
say() { echo "── $*" >&2; }
need() { for tool; do command -v "$tool" >/dev/null || die "$tool is not installed"; done; }

# Prints a variable's value in terraform.tfvars, or the default.
setting() { # NAME DEFAULT
  local value
  value=$(sed -nE "s/^ *$1 *= *\"([^\"]*)\".*/\1/p" terraform.tfvars)
  echo "${value:-$2}"
}
# Prints a Terraform output. Without a state, Terraform prints a warning instead and exits with 0.
output() { # NAME [-chdir=FOLDER]
  local value
  value=$(terraform ${2:+"$2"} output -raw "$1") || return
  [[ $value != *"No outputs found"* ]] || { echo "deploy: there is no output $1: nothing is deployed yet" >&2; return 1; }
  printf %s "$value"
}

choose_revision() {
  local head
  if head=$(git rev-parse HEAD 2>/dev/null); then
    [ -z "$revision" ] || [ "$revision" = "$head" ] || die "--revision is $revision, but $head is checked out"
    revision=$head
  else
    [ -n "$revision" ] || die "this is no git repository; give --revision"
  fi
}

choose_repository() {
  [ -n "$repository" ] || repository=$(output ecr_repository_url -chdir=bootstrap 2>/dev/null) ||
    repository=$(aws ecr describe-repositories --repository-names "$project" --query 'repositories[0].repositoryUri' \
      --output text) || # shows AWS's error, which may be about the credentials
    die "no ECR repository found: apply terraform/bootstrap first, or give --repository"
}

# Sets `image` to the commit's image in ECR. Tags are immutable, so it need not be built again.
find_image() {
  local digest
  if ! digest=$(aws ecr describe-images --repository-name "${repository#*/}" --image-ids "imageTag=$revision-${platform#*/}" \
    --query 'imageDetails[0].imageDigest' --output text 2>&1); then
    [[ $digest == *ImageNotFoundException* ]] || die "ECR describe-images failed: $digest"
    return 1
  fi
  image=$repository@$digest
}

build() {
  local tagged=$repository:$revision-${platform#*/} stand_in
  need docker
  [ -z "$(git status --porcelain 2>/dev/null)" ] ||
    die "there are uncommitted changes: only a commit's image can be deployed"
  say "building $tagged for $platform"
  make --no-print-directory -C .. image IMAGE="$tagged" PLATFORM="$platform" REVISION="$revision" >&2
  stand_in=$(docker image inspect --format '{{with .Config.Labels}}{{index . "stand-in"}}{{end}}' "$tagged")
  [ -z "$stand_in" ] || die "the image is built on a stand-in for AWS's base image: it must not be published"
  say "pushing $tagged"
  aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}" >/dev/null
  docker push --quiet "$tagged" >/dev/null
}

# Sets `image`. Runs the function BUILD if ECR does not have the commit's image.
choose_image() { # BUILD
  if [ -z "$image" ]; then
    choose_revision
    choose_repository
    if ! find_image; then
      "$1"
      find_image || die "ECR has no image of $revision after the push"
    fi
  fi
  [[ $image =~ ^[^/]+/([^@]+)@(sha256:[0-9a-f]{64})$ ]] || die "$image is no image by digest, NAME@sha256:…"
  aws ecr describe-images --repository-name "${BASH_REMATCH[1]}" --image-ids "imageDigest=${BASH_REMATCH[2]}" >/dev/null ||
    die "$image is not in ECR"
}
not_pushed() { die "ECR has no image of $revision for $platform: run the step image first"; }

initialize() {
  say "initializing Terraform for $project in $environment, $AWS_REGION"
  terraform init -reconfigure -input=false -backend-config=backend.conf \
    -backend-config="key=$project/$environment.tfstate" >/dev/null
}

make_plan() {
  say "planning $image"
  terraform plan -input=false -lock-timeout=5m "${chosen[@]}" -var "image_uri=$image" -out="$1"
}

# Prints the location of the stored plan. A plan holds sensitive values, so it is stored beside the state.
stored_plan() {
  local bucket
  bucket=$(sed -nE 's/^ *bucket *= *"([^"]*)".*/\1/p' backend.conf)
  [ -n "$bucket" ] || die "terraform/backend.conf names no bucket"
  echo "s3://$bucket/$project/plans/$environment-$revision${run:+-$run}.tfplan"
}

# Checks the needs of the smoke test before anything is changed.
check_smoke() {
  [ -z "$no_smoke" ] || return 0
  [ -x ../.venv/bin/dofs ] || die "dofs is not installed: run this with make, or give --no-smoke"
  if [ "$(setting api_auth none)" = cognito ] && [ -z "${DOFS_TOKEN:-}" ]; then
    [ "$step" = apply ] || die 'with api_auth = "cognito" the smoke test needs an ID token in DOFS_TOKEN; or give --no-smoke'
    # In a pipeline no user can sign in.
    say 'SKIPPING THE SMOKE TEST: with api_auth = "cognito" it needs an ID token in DOFS_TOKEN'
    no_smoke=yes
  fi
}

# Sends one order. The callers handle its failure, so `set -e` does not apply inside: each command needs its own `|| return`.
# Without a URL, dofs would send the order to this machine.
smoke() {
  local sigv4="" auth
  say "running the smoke test with one order"
  DOFS_API_URL=$(output api_gateway_url) && auth=$(output api_auth) || return
  unset DOFS_API_KEY # it may be of another deployment
  [ "$auth" = cognito ] || unset DOFS_TOKEN
  case $auth in
    api_key) DOFS_API_KEY=$(output api_key) && export DOFS_API_KEY || return ;;
    iam) sigv4=--sigv4 ;;
  esac
  export DOFS_API_URL
  ../.venv/bin/dofs ${sigv4:+"$sigv4"} smoke ${smoke_timeout:+--timeout "$smoke_timeout"}
}

live_version() {
  aws lambda get-alias --function-name "$1" --name live --query FunctionVersion --output text
}

point_live_at() {
  aws lambda update-alias --function-name "$1" --name live --function-version "$2" >/dev/null
  say "live points at version $2; the next deployment points it at a new version"
}

apply_and_smoke() {
  local function before after
  function=$(output function_name 2>/dev/null) && before=$(live_version "$function") || before=""
  terraform apply -input=false -lock-timeout=5m "$1" || report_failed_apply "$function" "$before"
  if [ -z "$no_smoke" ]; then
    function=$(output function_name) after=$(live_version "$function")
    smoke || roll_back_failed_smoke "$function" "$before" "$after"
  fi
  say "deployed; submit a first order with:"
  output try_it
  echo
}

# The alias may point at the new version although something else failed.
report_failed_apply() { # FUNCTION BEFORE
  local live
  live=$(live_version "$1" 2>/dev/null) || live=$2
  [ -z "$2" ] || [ "$live" = "$2" ] ||
    die "the plan was applied in part. live points at the untested version $live; to roll back: make rollback ARGS=\"--version $2\""
  die "the plan was not applied, or only in part. Terraform does not apply a plan twice: make a new plan"
}

roll_back_failed_smoke() { # FUNCTION BEFORE AFTER
  local live
  [ -n "$2" ] || die "the smoke test failed. This is the first version, so there is no version to roll back to"
  [ "$2" != "$3" ] ||
    die "the smoke test failed. The function still has version $3: look for the cause in the other changes of the plan"
  live=$(live_version "$1")
  [ "$live" = "$3" ] ||
    die "the smoke test failed. live points at version $live of another deployment by now, so version $3 is not rolled back"
  point_live_at "$1" "$2"
  die "the smoke test failed, and version $3 was rolled back. The other changes of the plan stay applied"
}

roll_back() {
  local function live
  function=$(output function_name) live=$(live_version "$function")
  [ -n "$version" ] || version=$(
    aws lambda list-versions-by-function --function-name "$function" --query 'Versions[].Version' --output text |
      tr '\t' '\n' | grep -E '^[0-9]+$' | sort -n | awk -v live="$live" '$1 < live' | tail -n 1
  )
  [ -n "$version" ] || die "live points at version $live, and there is no version before it"
  point_live_at "$function" "$version"
}

image="" platform="" repository="" revision="" run="" version="" yes="" no_smoke="" smoke_timeout="" step=all
case ${1:-} in
  image | plan | apply | smoke | rollback | destroy) step=$1; shift ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --image | --platform | --repository | --revision | --run | --version)
      [ -n "${2:-}" ] || die "$1 needs a value; see --help"
      declare "${1#--}=$2"
      shift 2
      ;;
    --yes) yes=yes; shift ;;
    --no-smoke) no_smoke=yes; shift ;;
    --smoke-timeout)
      [[ ${2:-} =~ ^[0-9]+[sm]$ ]] || die "$1 needs a duration, such as 90s or 5m" # before anything is changed
      smoke_timeout=$2
      shift 2
      ;;
    --help | -h) usage; exit ;;
    --*) die "unknown option $1; see --help" ;;
    *) die "unknown step $1; see --help" ;;
  esac
done

cd "$(dirname "$0")"/..
need aws terraform
[ -n "$revision" ] || need git
for file in backend.conf terraform.tfvars; do
  [ -f "$file" ] || die "terraform/$file is missing: copy terraform/$file.example and fill it in"
done
environment=$(setting environment dev) project=$(setting project_name dofs)
AWS_REGION=$(setting aws_region ap-south-1)
export AWS_REGION AWS_DEFAULT_REGION=$AWS_REGION # version 1 of the AWS CLI reads only the second
# These three select the state, so TF_VAR_environment or another file of variables must not override them.
chosen=(-var "environment=$environment" -var "project_name=$project" -var "aws_region=$AWS_REGION")
case $(setting lambda_architecture x86_64) in
  arm64) : "${platform:=linux/arm64}" ;;
  *) : "${platform:=linux/amd64}" ;;
esac

case $step in
  image)
    choose_image build
    echo "$image"
    ;;
  plan)
    choose_revision
    stored=$(stored_plan)
    choose_image not_pushed
    initialize
    plan=$(mktemp)
    trap 'rm -f "$plan"' EXIT
    make_plan "$plan"
    aws s3 cp --quiet "$plan" "$stored"
    ;;
  apply)
    choose_revision
    stored=$(stored_plan)
    check_smoke
    plan=$(mktemp)
    trap 'rm -f "$plan"' EXIT
    aws s3 cp --quiet "$stored" "$plan" || die "there is no stored plan of $revision for $environment: run the step plan first"
    initialize
    apply_and_smoke "$plan"
    ;;
  smoke)
    no_smoke="" check_smoke
    initialize
    smoke
    ;;
  rollback)
    initialize
    roll_back
    ;;
  destroy)
    initialize
    # A destroy uses no image, so without one in the state any URI will do.
    image=$(output image_uri 2>/dev/null) ||
      image=000000000000.dkr.ecr.$AWS_REGION.amazonaws.com/none@sha256:$(printf '0%.0s' {1..64})
    terraform destroy "${chosen[@]}" -var "image_uri=$image"
    ;;
  all)
    check_smoke
    choose_image build
    initialize
    plan=$(mktemp)
    trap 'rm -f "$plan"' EXIT
    make_plan "$plan"
    if [ -z "$yes" ]; then
      read -r -p "Apply this plan? Enter 'yes' to apply: " answer || answer=""
      [ "$answer" = yes ] || die "not confirmed: nothing was changed"
    fi
    apply_and_smoke "$plan"
    ;;
esac
