"""The operators' page at /console: static files, which hold nothing that is secret."""

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
    """The page."""
    return _file("index.html")


@router.get("/console/{name}")
async def file(name: str) -> Response:
    """A file that the page loads."""
    return _file(name)


def _file(name: str) -> Response:
    files = _files()
    if name not in files:
        raise HTTPException(404)
    return Response(files[name], media_type=MEDIA_TYPES[name.rpartition(".")[2]], headers=HEADERS)


@cache
def _files() -> dict[str, bytes]:
    folder = resources.files("service").joinpath("console")
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in MEDIA_TYPES}
