"""Serves the operators' web page at /console: static files without secrets, and the statuses of the lifecycle."""

import json
from functools import cache
from importlib import resources

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from service.api.problems import ProblemRoute
from service.orders.lifecycle import TERMINAL, UNSUCCESSFUL, Status
from service.orders.transitions import TRANSITIONS, TransitionName

router = APIRouter(route_class=ProblemRoute, include_in_schema=False)

MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
CANCELLATIONS: tuple[TransitionName, ...] = ("cancel", "ask_cancel")
"""The transitions that a request to cancel an order can make."""
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{directive} {sources}" for directive, sources in POLICY.items()),
    "Cache-Control": "no-cache",
}


@router.get("/console")
async def console() -> Response:
    """Serve the page."""
    return _file_response("index.html")


@router.get("/console/{name}")
async def file(name: str) -> Response:
    """Serve a file of the page."""
    return _file_response(name)


def _file_response(name: str) -> Response:
    files = load_files()
    if name not in files:
        raise HTTPException(404)
    return Response(files[name], media_type=MEDIA_TYPES[name.rpartition(".")[2]], headers=HEADERS)


@cache
def load_files() -> dict[str, bytes]:
    """Return the page's files by name: those of ``service/console/``, and the generated ``states.js``."""
    folder = resources.files("service").joinpath("console")
    files = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in MEDIA_TYPES}
    return {**files, "states.js": _states_module().encode()}


def _states_module() -> str:
    """Return a JavaScript module with the statuses of the transition table."""
    cancellable = {source.status for name in CANCELLATIONS for source in TRANSITIONS[name].sources}
    sets = {"TERMINAL": TERMINAL, "UNSUCCESSFUL": UNSUCCESSFUL, "CANCELLABLE": cancellable}
    lines = [f"export const STATUSES = {json.dumps(list(Status))};\n"]
    for name, members in sets.items():
        lines.append(f"export const {name} = new Set({json.dumps([each for each in Status if each in members])});\n")
    return "".join(lines)
