#!/usr/bin/env bash
# Deploys the commit that is checked out: its image by digest, by a plan that is asked about, with one real order at the
# end. Pipelines run it step by step.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: make deploy [ARGS="…"]        or: terraform/scripts/deploy.sh [STEP] [OPTION…]

Without a STEP: builds the image of the checked-out commit, pushes it, plans, asks, applies, and sends one real order
through. When that order does not get through, the alias `live` is pointed back at the version before.

  image      build the image of the commit, push it unless ECR has it, print its URI by digest
  plan       plan that image, and keep the plan in the state bucket
  apply      apply the kept plan, exactly; then smoke, and when that fails rollback
  smoke      send one real order through what is deployed
  rollback   point the alias `live` at the version before it, or at --version
  destroy    destroy the deployment; asks

  --image URI       plan this image, ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:…, and build nothing
  --platform NAME   linux/amd64 or linux/arm64; by default that of lambda_architecture in terraform.tfvars
  --repository URI  the ECR repository; by default that of terraform/bootstrap, or the one that is named as the project
  --revision SHA    the commit, where there is no git to tell it
  --run ID          the pipeline's run: it applies the plan that it made, whatever another plans of the same commit
  --version N       the version to go back to
  --yes             do not ask before applying
  --no-smoke        apply, and send no order
  --smoke-timeout TIME  how long the smoke test waits for its order, such as 90s; by default 5m
  --help            show this

It needs aws, docker (for an image), git and terraform, AWS credentials in the environment, and in terraform/ the files
terraform.tfvars and backend.conf: the README says how to make them, or `make deploy-settings` writes them from variables.
With api_auth = "cognito" the order needs an ID token of the user pool in DOFS_TOKEN; without one, apply sends none.
TEXT
}

die() { echo "deploy: $*" >&2; exit 1; }
say() { echo "── $*" >&2; }
need() { for tool; do command -v "$tool" >/dev/null || die "$tool is not installed"; done; }

# What terraform.tfvars says of a variable, or its default
setting() {
  local said
  said=$(sed -nE "s/^ *$1 *= *\"([^\"]*)\".*/\1/p" terraform.tfvars)
  echo "${said:-$2}"
}
# An output of Terraform's. Where there is no state yet, Terraform prints a warning in its place, and calls that a success.
output() { # NAME [-chdir=FOLDER]
  local told
  told=$(terraform ${2:+"$2"} output -raw "$1") || return
  [[ $told != *"No outputs found"* ]] || { echo "deploy: there is no $1, as nothing is deployed yet" >&2; return 1; }
  printf %s "$told"
}

choose_revision() {
  local head
  if head=$(git rev-parse HEAD 2>/dev/null); then
    [ -z "$revision" ] || [ "$revision" = "$head" ] || die "$head is checked out, and not $revision"
    revision=$head
  else
    [ -n "$revision" ] || die "there is no git here that tells the commit; give --revision"
  fi
}

choose_repository() {
  [ -n "$repository" ] || repository=$(output ecr_repository_url -chdir=bootstrap 2>/dev/null) ||
    repository=$(aws ecr describe-repositories --repository-names "$project" --query 'repositories[0].repositoryUri' \
      --output text) || # what AWS says is shown: it may be the credentials
    die "which ECR repository? Apply terraform/bootstrap first, or give --repository"
}

# Sets `image` to the one that ECR has of the commit. Tags are immutable: it is what would be built again.
find_image() {
  local told
  if ! told=$(aws ecr describe-images --repository-name "${repository#*/}" --image-ids "imageTag=$revision-${platform#*/}" \
    --query 'imageDetails[0].imageDigest' --output text 2>&1); then
    [[ $told == *ImageNotFoundException* ]] || die "ECR cannot be asked: $told"
    return 1
  fi
  image=$repository@$told
}

build() {
  local tagged=$repository:$revision-${platform#*/} stand_in
  need docker
  [ -z "$(git status --porcelain 2>/dev/null)" ] ||
    die "there are changes that are not committed: an image must be that of a commit"
  say "building $tagged for $platform"
  make --no-print-directory -C .. image IMAGE="$tagged" PLATFORM="$platform" REVISION="$revision" >&2
  stand_in=$(docker image inspect --format '{{with .Config.Labels}}{{index . "stand-in"}}{{end}}' "$tagged")
  [ -z "$stand_in" ] || die "the image stands on a stand-in for AWS's base image, and must not be published"
  say "pushing it"
  aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}" >/dev/null
  docker push --quiet "$tagged" >/dev/null
}

# Sets `image`; what is to be built is built.
choose_image() {
  if [ -z "$image" ]; then
    choose_revision
    choose_repository
    if ! find_image; then
      "$1"
      find_image || die "ECR has no image of $revision, though it was pushed"
    fi
  fi
  [[ $image =~ ^[^/]+/([^@]+)@(sha256:[0-9a-f]{64})$ ]] || die "$image names no image by its digest, NAME@sha256:…"
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

# A plan holds what Terraform calls sensitive, so it is kept where the state is.
kept_plan() {
  local bucket
  bucket=$(sed -nE 's/^ *bucket *= *"([^"]*)".*/\1/p' backend.conf)
  [ -n "$bucket" ] || die "terraform/backend.conf names no bucket"
  echo "s3://$bucket/$project/plans/$environment-$revision${run:+-$run}.tfplan"
}

# The order of the smoke test needs what its caller has to have; better known before anything is changed.
can_smoke() {
  [ -z "$no_smoke" ] || return 0
  [ -x ../.venv/bin/dofs ] || die "dofs is not installed: run this by make, or give --no-smoke"
  if [ "$(setting api_auth none)" = cognito ] && [ -z "${DOFS_TOKEN:-}" ]; then
    [ "$step" = apply ] || die 'with api_auth = "cognito" the smoke test needs an ID token in DOFS_TOKEN; or give --no-smoke'
    # A pipeline has no user who could sign in.
    say 'NO ORDER WILL BE SENT THROUGH: with api_auth = "cognito" that needs an ID token in DOFS_TOKEN'
    no_smoke=yes
  fi
}

# What calls it does something else when it fails, so no failure in it ends the script by itself. And without a URL, dofs
# would send the order to this machine.
smoke() {
  local sigv4="" auth
  say "sending one order through it"
  DOFS_API_URL=$(output api_gateway_url) && auth=$(output api_auth) || return
  unset DOFS_API_KEY # of whatever else this machine talks to
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
  say "live is version $2 again; the next deployment points it at its own"
}

apply_and_smoke() {
  local function before after
  function=$(output function_name 2>/dev/null) && before=$(live_version "$function") || before=""
  terraform apply -input=false -lock-timeout=5m "$1" || broken_off "$function" "$before"
  if [ -z "$no_smoke" ]; then
    function=$(output function_name) after=$(live_version "$function")
    smoke || take_back "$function" "$before" "$after"
  fi
  say "deployed; a first order:"
  output try_it
  echo
}

# The alias may have been moved before something else failed.
broken_off() { # FUNCTION BEFORE
  local live
  live=$(live_version "$1" 2>/dev/null) || live=$2
  [ -z "$2" ] || [ "$live" = "$2" ] ||
    die "applied in part. Live is version $live, untried; back: make rollback ARGS=\"--version $2\""
  die "the plan was not applied, or in part. Once it is begun it is not taken again: plan anew"
}

take_back() { # FUNCTION BEFORE AFTER
  local live
  [ -n "$2" ] || die "the smoke test failed. This is the first version, so there is none to go back to"
  [ "$2" != "$3" ] ||
    die "the smoke test failed. The function is version $3 as before, so what else was changed is to be looked at"
  live=$(live_version "$1")
  [ "$live" = "$3" ] ||
    die "the smoke test failed. Somebody else has made version $live live since, so version $3 need not be taken back"
  point_live_at "$1" "$2"
  die "the smoke test failed, and version $3 was taken back. What else was applied stays"
}

roll_back() {
  local function live
  function=$(output function_name) live=$(live_version "$function")
  [ -n "$version" ] || version=$(
    aws lambda list-versions-by-function --function-name "$function" --query 'Versions[].Version' --output text |
      tr '\t' '\n' | grep -E '^[0-9]+$' | sort -n | awk -v live="$live" '$1 < live' | tail -n 1
  )
  [ -n "$version" ] || die "live is version $live, and there is none before it"
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
    --*) die "there is no option $1; see --help" ;;
    *) die "there is no step $1; see --help" ;;
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
export AWS_REGION AWS_DEFAULT_REGION=$AWS_REGION # version 1 of aws looks at the second alone
# The state is that of these three, so a TF_VAR_environment or another file of variables must not say otherwise.
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
    kept=$(kept_plan)
    choose_image not_pushed
    initialize
    plan=$(mktemp)
    trap 'rm -f "$plan"' EXIT
    make_plan "$plan"
    aws s3 cp --quiet "$plan" "$kept"
    ;;
  apply)
    choose_revision
    kept=$(kept_plan)
    can_smoke
    plan=$(mktemp)
    trap 'rm -f "$plan"' EXIT
    aws s3 cp --quiet "$kept" "$plan" || die "no plan of $revision for $environment is kept: run the step plan first"
    initialize
    apply_and_smoke "$plan"
    ;;
  smoke)
    no_smoke="" can_smoke
    initialize
    smoke
    ;;
  rollback)
    initialize
    roll_back
    ;;
  destroy)
    initialize
    # Nothing is pulled any more, so any image will do where the first deployment did not get as far as to have one.
    image=$(output image_uri 2>/dev/null) ||
      image=000000000000.dkr.ecr.$AWS_REGION.amazonaws.com/none@sha256:$(printf '0%.0s' {1..64})
    terraform destroy "${chosen[@]}" -var "image_uri=$image"
    ;;
  all)
    can_smoke
    choose_image build
    initialize
    plan=$(mktemp)
    trap 'rm -f "$plan"' EXIT
    make_plan "$plan"
    if [ -z "$yes" ]; then
      read -r -p "Apply this plan? Only 'yes' will: " answer || answer=""
      [ "$answer" = yes ] || die "nothing was changed"
    fi
    apply_and_smoke "$plan"
    ;;
esac
