"""Prints what the image's packages are licensed under: ``python -m tools.licenses > docs/licenses.md``.

A package of any other license than the allowed ones ends it, with the package's name.
"""

import sys
from collections.abc import Iterable

from license_expression import AND, LicenseSymbol

from tools.packages import SPDX, Package, packages
from tools.trim import DISTRIBUTIONS

ALLOWED = frozenset({"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0"})
"""They ask for their text and notices to be passed on, which the image does: each package's are in its dist-info."""

CARRIED = {"fastapi-swagger": ("Swagger UI", "Apache-2.0")}
"""What a package's files hold of another project."""

HEAD = """\
# Licenses

<!-- written by `make fmt` from the metadata of what requirements/image.txt pins -->

DOFS is under the [MIT license](../LICENSE). These are the packages in its image; the base has licenses of its own.

| package | license |
|---|---|
"""

TAIL = """
† only in the provisioner's image, which compose runs.

Allowed are {allowed}.
`make check` fails with the name of a package that comes under none of them. `make sbom` writes what is in the image,
with versions and hashes, as CycloneDX.
"""


def allowed(expression: str) -> bool:
    """Whether somebody who takes only the allowed licenses may use what an SPDX expression says."""
    return _holds(SPDX.parse(expression)) if expression else False


def _holds(part: object) -> bool:
    if isinstance(part, LicenseSymbol):
        return part.key in ALLOWED
    answers = map(_holds, getattr(part, "args", ()))  # an exception to a license (WITH) has none, so is not allowed
    return all(answers) if isinstance(part, AND) else any(answers)


def page(shipped: Iterable[Package]) -> str:
    """``docs/licenses.md``; it ends the program when a license is not allowed."""
    rows = []
    for package in shipped:
        name, license_ = package.name, package.license
        if not allowed(license_):
            sys.exit(f"{name} is licensed under {license_ or 'nothing that SPDX knows'}: see tools/licenses.py")
        inner = "; it holds {}, {}".format(*CARRIED[name]) if name in CARRIED else ""
        rows.append(f"| {name}{' †' * (name in DISTRIBUTIONS)} | {license_}{inner} |\n")
    return HEAD + "".join(rows) + TAIL.format(allowed=", ".join(sorted(ALLOWED)))


if __name__ == "__main__":
    sys.stdout.write(page(packages()))
