"""Writes the bill of materials of the function's image, as CycloneDX 1.6: ``python -m tools.sbom build/sbom.cdx.json``.

The same commit gives the same bytes. The timestamp comes from SOURCE_DATE_EPOCH and is left out without it. The serial
number is a hash of the rest.

https://cyclonedx.org/docs/1.6/json/
https://reproducible-builds.org/docs/source-date-epoch/
"""

import os
import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from service import __version__
from tools.licenses import BUNDLED
from tools.packages import ROOT, Package, base_image, packages
from tools.trim import DISTRIBUTIONS

SWAGGER_UI = re.compile(r'PACKAGE_VERSION:"(\d[^"]*)"')


def build_bom() -> Bom:
    """The bill of materials: DOFS, the base image, and each package in the function's image."""
    everything = {package.name: package for package in packages()}
    shipped = {name: component(package) for name, package in everything.items() if name not in DISTRIBUTIONS}
    base = base_component()
    root = Component(
        type=ComponentType.APPLICATION,
        name="dofs",
        version=__version__,
        bom_ref="dofs",
        licenses=[LicenseFactory().make_from_string("MIT")],
        properties=[Property(name="org.opencontainers.image.revision", value=os.environ.get("REVISION", "unknown"))],
    )
    bom = Bom(components=[base, *shipped.values()])
    bom.metadata.component = root
    bom.metadata.tools.components.add(this_component())
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    bom.metadata.timestamp = datetime.fromtimestamp(int(epoch), UTC) if epoch else None
    python = str(base.version)
    needed = {name: package.needs(python) for name, package in everything.items()}
    ours = direct_dependencies()
    for name in ours & {*DISTRIBUTIONS}:  # tools/trim.py removes these packages, but not their dependencies
        ours |= needed[name]
    bom.register_dependency(root, [base, *(shipped[name] for name in sorted(ours & shipped.keys()))])
    for name, one in shipped.items():
        bom.register_dependency(one, [shipped[other] for other in sorted(needed[name] & shipped.keys())])
    return bom


def direct_dependencies() -> set[str]:
    """The packages that pyproject.toml lists for the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {Requirement(line).name for line in (*project["dependencies"], *project["optional-dependencies"]["server"])}


def component(package: Package) -> Component:
    """A package as a component, with the hashes of all files that pip may have installed it from."""
    url = PackageURL("pypi", None, package.name, package.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(url.to_string()),
        comment="one hash for each file of this version; the image has the contents of one of them",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content) for content in package.sha256],
    )
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=url.to_string(),
        purl=url,
        licenses=[LicenseFactory().make_from_string(package.license)],
        external_references=[files],
        components=[swagger_ui(package)] if package.name in BUNDLED else [],
    )


def swagger_ui(package: Package) -> Component:
    """Swagger UI, the npm package whose files fastapi-swagger contains."""
    bundle = Path(str(package.installed.locate_file("fastapi_swagger/resources/swagger-ui-bundle.js")))
    (version,) = set(SWAGGER_UI.findall(bundle.read_text()))
    url = PackageURL("npm", None, "swagger-ui-dist", version)
    licenses = [LicenseFactory().make_from_string(BUNDLED[package.name][1])]
    return Component(name="swagger-ui-dist", version=version, bom_ref=url.to_string(), purl=url, licenses=licenses)


def base_component() -> Component:
    """The base image."""
    name, tag = base_image()
    registry, *path, last = name.split("/")
    url = PackageURL("docker", "/".join(path), last, tag, {"repository_url": registry})
    return Component(
        type=ComponentType.CONTAINER,
        name=name,
        version=tag,
        bom_ref=url.to_string(),
        purl=url,
        description="the base image; its contents are not listed here",
    )


def document(bom: Bom) -> str:
    """The bill of materials as JSON. Exits the program if the JSON is not valid CycloneDX."""
    bom.serial_number = None
    bom.serial_number = uuid5(NAMESPACE_URL, _json(bom))
    text = _json(bom)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"the bill of materials is not valid: {error}")
    return text + "\n"


def _json(bom: Bom) -> str:
    text: str = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    return text


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(exist_ok=True)
    target.write_text(document(build_bom()))
