#!/usr/bin/env bash
# Installs the Terraform version of the tests. The checksum is pinned here: an attacker who replaces the download could
# also replace a checksum beside it.
set -euo pipefail

version=1.11.4 sha256=1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc
archive=$(mktemp)
curl -fsSL --retry 3 -o "$archive" "https://releases.hashicorp.com/terraform/$version/terraform_${version}_linux_amd64.zip"
echo "$sha256  $archive" | sha256sum --check --quiet
unzip -oq "$archive" terraform -d /usr/local/bin
