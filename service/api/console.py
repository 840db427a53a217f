"""Serves the operators' web page at /console: static files without secrets."""

from functools import cache
from importlib import resources

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from service.api.problems import ProblemRoute

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
    files = _load_files()
    if name not in files:
        raise HTTPException(404)
    return Response(files[name], media_type=MEDIA_TYPES[name.rpartition(".")[2]], headers=HEADERS)


@cache
def _load_files() -> dict[str, bytes]:
    folder = resources.files("service").joinpath("console")
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in MEDIA_TYPES}
