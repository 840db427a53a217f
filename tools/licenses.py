"""Prints the licenses of the packages in the image: ``python -m tools.licenses > docs/licenses.md``.

It fails with the package's name if a package's license is not allowed.
"""

import sys
from collections.abc import Iterable

from license_expression import AND, LicenseSymbol

from tools.packages import SPDX, Package, packages
from tools.trim import DISTRIBUTIONS

ALLOWED = frozenset({"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0"})
"""They require their text and notices in copies. The image has them: they are in each package's dist-info."""

BUNDLED = {"fastapi-swagger": ("Swagger UI", "Apache-2.0")}
"""Packages that contain files of another project: its name and license."""

HEAD = """\
# Licenses

<!-- `make fmt` writes this page from the metadata of the packages in requirements/image.txt -->

DOFS is under the [MIT license](../LICENSE). The table lists the packages in its image, without the base image's.

| package | license |
|---|---|
"""

TAIL = """
† only in the provisioner's image, which compose runs.

Allowed licenses: {allowed}.
`make check` fails with the package's name if its license is not allowed. `make sbom` writes the image's bill of
materials, with versions and hashes, as CycloneDX.
"""


def is_allowed(expression: str) -> bool:
    """Whether the allowed licenses satisfy an SPDX expression."""
    return _is_satisfied(SPDX.parse(expression)) if expression else False


def _is_satisfied(part: object) -> bool:
    if isinstance(part, LicenseSymbol):
        return part.key in ALLOWED
    answers = map(_is_satisfied, getattr(part, "args", ()))  # a license WITH an exception has no args: not allowed
    return all(answers) if isinstance(part, AND) else any(answers)


def page(shipped: Iterable[Package]) -> str:
    """The text of ``docs/licenses.md``. Exits the program if a license is not allowed."""
    rows = []
    for package in shipped:
        name, license_ = package.name, package.license
        if not is_allowed(license_):
            sys.exit(f"{name}: license {license_ or 'unknown to SPDX'} is not allowed: see tools/licenses.py")
        inner = "; contains {}, {}".format(*BUNDLED[name]) if name in BUNDLED else ""
        rows.append(f"| {name}{' †' * (name in DISTRIBUTIONS)} | {license_}{inner} |\n")
    return HEAD + "".join(rows) + TAIL.format(allowed=", ".join(sorted(ALLOWED)))


if __name__ == "__main__":
    sys.stdout.write(page(packages()))
