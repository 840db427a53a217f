"""The import graph of the service has no circles, and its packages depend on each other in one direction."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The packages and modules in service/, with the ones that each may import. To allow a new dependency, add it
# here, and say in docs/decisions.md why.
ALLOWED = {
    "orders": set(),
    "settings": {"orders", "warehouses"},
    "logs": {"orders", "settings"},
    "aws": {"orders", "settings"},
    "warehouses": {"orders"},
    "steps": {"logs", "orders"},
    "wiring": {"aws", "orders", "settings", "warehouses"},
    "api": {"logs", "orders", "settings", "warehouses", "wiring"},
    "handler": {"api", "logs", "settings", "steps", "wiring"},
    "function": {"aws", "handler", "settings"},
    "provisioning": {"aws", "settings"},
    "embedded": {"handler", "logs", "provisioning", "settings", "warehouses", "wiring"},
    "main": {"api", "embedded", "logs", "settings", "wiring"},
    "cli": {"aws", "orders", "provisioning", "settings", "warehouses", "wiring"},
}
# The domain uses no cloud and no web framework. Pydantic validates orders, and simplejson writes amounts exactly.
DOMAIN_LIBRARIES = {"pydantic", "pydantic_core", "simplejson"}


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in (ROOT / "service").rglob("*.py")}


def imported_names(file: Path) -> Iterator[str]:
    """Every name that a file imports: also in functions, and for type checkers."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_module(name: str) -> str | None:
    """The module of the service that has the name: ``service.orders.model`` for ``service.orders.model.Order``."""
    while name not in MODULES and "." in name:
        name = name.rpartition(".")[0]
    return name if name in MODULES else None


GRAPH = {
    module: {found for name in imported_names(file) if (found := imported_module(name)) and found != module}
    for module, file in MODULES.items()
}


def find_circle(graph: dict[str, set[str]]) -> list[str] | None:
    """The modules of a circle, from one module back to itself; None if there is no circle."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str] | None:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return None
        for imported in sorted(graph[module]):
            if circle := visit(imported, [*path, module]):
                return circle
        done.add(module)
        return None

    return next((circle for module in sorted(graph) if (circle := visit(module, []))), None)


def package_of(module: str) -> str:
    return module.removeprefix("service").lstrip(".").partition(".")[0]


def test_there_are_no_import_circles():
    assert find_circle(GRAPH) is None


def test_a_circle_is_found():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}
    assert find_circle(graph) == ["b", "d", "b"]


def test_imports_in_functions_and_for_type_checkers_are_found():
    assert {"service.cli.api", "service.cli.aws_backend", "service.cli.backend"} <= GRAPH["service.cli.context"]


@pytest.mark.parametrize("package", sorted({package_of(module) for module in MODULES} - {""}))
def test_a_package_imports_only_what_it_may(package):
    imported = {
        package_of(target) for module, targets in GRAPH.items() if package_of(module) == package for target in targets
    }
    assert imported - {package, ""} == ALLOWED.get(package), f"service/{package} imports these; see ALLOWED"


def test_the_domain_uses_no_cloud_and_no_web_framework():
    files = [file for module, file in MODULES.items() if package_of(module) == "orders"]
    roots = {name.partition(".")[0] for file in files for name in imported_names(file)}
    assert roots - sys.stdlib_module_names - {"service"} <= DOMAIN_LIBRARIES
