"""Serves the interactive documentation at /docs. Its assets are served from here, so it needs no internet."""

import base64
import hashlib
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from service.api.problems import ProblemRoute

router = APIRouter(route_class=ProblemRoute, include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "application/javascript",
    "swagger-ui.css": "text/css",
    "icon.svg": "image/svg+xml",
}
"""The files and their types. All are text: API Gateway passes on the base64 of a binary file, unless told its type."""


@router.get("/")
async def root(request: Request) -> RedirectResponse:
    """Redirect to the documentation."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Serve Swagger UI for the OpenAPI document."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        title="DOFS API",
        openapi_url=f"{root}/openapi.json",
        swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/icon.svg",
    )
    page.headers["Content-Security-Policy"] = _content_security_policy(bytes(page.body))
    return page


def _content_security_policy(page: bytes) -> str:
    """Allow the page's own files, its one inline script by hash, and the inline styles of Swagger UI."""
    script = page.partition(b"<script>")[2].partition(b"</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@router.get("/docs/{name}")
async def asset(name: str) -> Response:
    """Serve a file of Swagger UI."""
    if name not in ASSETS:
        raise HTTPException(404)
    return Response(_read_asset(name), media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})


@cache
def _read_asset(name: str) -> bytes:
    package = "service.console" if name == "icon.svg" else "fastapi_swagger.resources"
    return resources.files(package).joinpath(name).read_bytes()
