"""The page at `/` and the files it is made of; nothing is fetched from elsewhere."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, Response

from fervlm.examples import photograph
from fervlm.serve.problems import Problem

router = APIRouter(include_in_schema=False)
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOLDER = resources.files("fervlm.serve") / "page"
FILES = frozenset(entry.name for entry in _FOLDER.iterdir() if entry.is_file())


@router.get("/")
async def index() -> Response:
    """The page."""
    return Response((_FOLDER / "index.html").read_bytes(), media_type="text/html; charset=utf-8")


@router.get("/page/example.jpg")
async def example() -> Response:
    """The photograph that ships with fervlm."""
    return Response(photograph().read_bytes(), media_type="image/jpeg")


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """A style sheet, script or drawing of the page."""
    kind = TYPES.get(name.rpartition(".")[2])
    if name not in FILES or kind is None:
        raise Problem(404, "There is no such file.")
    return Response((_FOLDER / name).read_bytes(), media_type=kind)


@router.get("/favicon.ico")
async def favicon() -> Response:
    """What browsers ask for unasked."""
    return Response((_FOLDER / "icon.svg").read_bytes(), media_type=TYPES["svg"])
