"""The bill of materials lists exactly the packages that remain in the image."""

import json
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from service import __version__
from tools import trim
from tools.packages import base_image, packages, read_pins
from tools.sbom import build_bom, document

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def written() -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1764288000")
        patch.setenv("REVISION", "abc123")
        return document(build_bom())


@pytest.fixture(scope="module")
def sbom(written: str) -> Json:
    read: Json = json.loads(written)
    return read


@pytest.fixture(scope="module")
def by_name(sbom: Json) -> dict[str, Json]:
    return {component["name"]: component for component in sbom["components"]}


def test_make_passes_the_commit():
    command = ["make", "--dry-run", "--assume-old=.venv/installed", "REVISION=abc123", "sbom"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert 'REVISION="abc123" ' in said


def test_the_bill_lists_the_locked_packages_after_trimming(by_name, tmp_path):
    pins = [*read_pins((ROOT / "requirements" / "image.txt").read_text())]
    for name, version, _ in pins:
        metadata = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    for folder in (*trim.UNUSED, *trim.DISTRIBUTIONS):
        (tmp_path / folder).mkdir(parents=True)
    trim.remove_unused(tmp_path)
    left = {each.name: each.version for each in distributions(path=[str(tmp_path)])}
    assert len(left) > 20
    libraries = {name: each["version"] for name, each in by_name.items() if each["type"] == "library"}
    assert libraries == left


def test_a_package_has_its_license_and_file_hashes(by_name):
    for package in packages():
        if package.name in trim.DISTRIBUTIONS:
            continue
        component = by_name[package.name]
        assert component["purl"] == f"pkg:pypi/{package.name}@{package.version}"
        ((said,),) = (each.get("license", each).values() for each in component["licenses"])
        assert said == package.license
        (files,) = component["externalReferences"]
        assert {each["content"] for each in files["hashes"]} == {*package.sha256} != set()


def test_the_bill_has_the_version_and_the_base_image(sbom, by_name):
    root = sbom["metadata"]["component"]
    assert (root["name"], root["version"]) == ("dofs", __version__)
    assert root["properties"] == [{"name": "org.opencontainers.image.revision", "value": "abc123"}]
    base, tag = base_image()
    assert by_name[base]["type"] == "container"
    assert by_name[base]["version"] == tag


def test_the_bill_lists_the_bundled_swagger_ui(by_name):
    (carried,) = by_name["fastapi-swagger"]["components"]
    assert carried["name"] == "swagger-ui-dist"
    assert carried["version"].startswith("5.")


def test_every_package_is_a_dependency_of_another(sbom, by_name):
    needs = {each["ref"]: each.get("dependsOn", []) for each in sbom["dependencies"]}
    reached, left = set(), ["dofs"]
    while left:
        if (one := left.pop()) not in reached:
            reached.add(one)
            left += needs[one]
    assert reached == {"dofs", *(each["bom-ref"] for each in by_name.values())}


def test_the_same_commit_gives_the_same_bytes(written, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764288000")
    monkeypatch.setenv("REVISION", "abc123")
    assert document(build_bom()) == written
    monkeypatch.setenv("REVISION", "abc124")
    serial_numbers = {json.loads(each)["serialNumber"] for each in (written, document(build_bom()))}
    assert len(serial_numbers) == 2


def test_an_invalid_bill_is_not_written(monkeypatch):
    bom = build_bom()
    monkeypatch.setattr("tools.sbom._json", lambda _: '{"bomFormat": "CycloneDX", "specVersion": "1.6", "x": 1}')
    with pytest.raises(SystemExit, match="not valid"):
        document(bom)
