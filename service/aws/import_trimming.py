"""What botocore and urllib3 load at their import and nothing here ever uses: left out, a function starts sooner.

These are the generator of botocore's documentation, which would also write a text for every operation of a client, and
urllib3's HTTP/2, which looks through all installed distributions. What stands in their place fails loudly when it is
used after all. Only the function leaves them out; a server, the command line and the emulators do not.
"""

import sys
from importlib.machinery import PathFinder
from types import ModuleType

DOCSTRINGS = ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring")


def trim_imports() -> None:
    """To be called before anything imports botocore."""
    _packages_unread("botocore.docs", "urllib3.http2")
    docstrings = ModuleType("botocore.docs.docstring")
    for name in DOCSTRINGS:
        setattr(docstrings, name, _no_docstring)
    sys.modules[docstrings.__name__] = docstrings


def _packages_unread(*names: str) -> None:
    """Have packages without what their own file says; their other modules are found as ever."""
    for name in names:
        parent = PathFinder.find_spec(name.partition(".")[0])
        spec = PathFinder.find_spec(name, parent.submodule_search_locations) if parent else None
        if spec is None:
            raise ModuleNotFoundError(f"{name} is not there to be left out: {__name__} is out of date", name=name)
        package = sys.modules[name] = ModuleType(name)
        package.__spec__, package.__path__ = spec, spec.submodule_search_locations or []


def _no_docstring(*_: object, **__: object) -> str:
    return ""
