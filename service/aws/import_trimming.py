"""Prevents imports of botocore and urllib3 that the service never uses, so that the function starts faster.

Two parts are replaced by empty modules: botocore's documentation generator, which also writes a docstring for every
operation of a client, and urllib3's HTTP/2 support, which searches all installed distributions. A use of a missing name
raises an error. Only the function replaces them; servers, the command line and the emulators do not.
"""

import sys
from importlib.machinery import PathFinder
from types import ModuleType

DOCSTRINGS = ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring")


def trim_imports() -> None:
    """Replace the unused parts. Call this before anything imports botocore."""
    _replace_packages("botocore.docs", "urllib3.http2")
    docstrings = ModuleType("botocore.docs.docstring")
    for name in DOCSTRINGS:
        setattr(docstrings, name, _no_docstring)
    sys.modules[docstrings.__name__] = docstrings


def _replace_packages(*names: str) -> None:
    """Register packages without running their ``__init__`` file. Their modules can still be imported."""
    for name in names:
        parent = PathFinder.find_spec(name.partition(".")[0])
        spec = PathFinder.find_spec(name, parent.submodule_search_locations) if parent else None
        if spec is None:
            raise ModuleNotFoundError(f"{name} does not exist: update {__name__}", name=name)
        package = sys.modules[name] = ModuleType(name)
        package.__spec__, package.__path__ = spec, spec.submodule_search_locations or []


def _no_docstring(*_: object, **__: object) -> str:
    return ""
