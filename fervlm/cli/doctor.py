"""`fervlm doctor`: what is installed, what works here, and what to type for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import typer

from fervlm.errors import FervlmError


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional set of packages as the installed metadata declares it."""

    name: str
    installed: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried here and now."""

    name: str
    works: bool
    result: str


def _requirements() -> list[tuple[str, str | None]]:
    """(package, extra or None) for every requirement of the installed package."""
    found: list[tuple[str, str | None]] = []
    try:
        lines = metadata.requires("fervlm") or []
    except metadata.PackageNotFoundError:
        raise FervlmError("fervlm runs from a folder here and is not installed", hint="Type: pip install .") from None
    for line in lines:
        name = re.match(r"[A-Za-z0-9._-]+(\[[^\]]*\])?", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if name is not None:
            found.append((name.group(0), extra.group(1) if extra else None))
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _members(extra: str, requirements: list[tuple[str, str | None]]) -> list[str]:
    """Packages of an extra; `fervlm[other]` inside it stands for the packages of `other`."""
    names: list[str] = []
    for name, wanted_by in requirements:
        if wanted_by != extra:
            continue
        inner = re.fullmatch(r"fervlm\[([^\]]+)\]", name)
        names += [p for e in inner.group(1).split(",") for p in _members(e.strip(), requirements)] if inner else [name]
    return names


def core() -> dict[str, str | None]:
    """Package -> installed version, for what every installation needs."""
    return {name: _version(name) for name, extra in _requirements() if extra is None}


def extras() -> list[Extra]:
    """Every declared extra, with what of it is here."""
    requirements = _requirements()
    found = []
    for extra in dict.fromkeys(extra for _, extra in requirements if extra is not None):
        members = _members(extra, requirements)
        here = tuple(name for name in members if _version(name) is not None)
        found.append(Extra(extra, here, tuple(name for name in members if name not in here)))
    return found


def _try_example() -> str:
    from fervlm.examples import recording
    from fervlm.predict.rules import Explainer
    from fervlm.readers import read

    engine = Explainer()
    made = [engine.explain(record) for record in read(recording())]
    checked = [p.verification for p in made if p.verification is not None]
    wrong = sum(not v.ok for v in checked)
    if wrong or not checked:
        raise RuntimeError(f"{wrong} of {len(checked)} explanations were not borne out by their evidence")
    sentences = sum(len(v.sentences) for v in checked)
    return f"{len(made)} frames explained, {sentences:,} sentences checked, none at fault"


def _try_formats() -> str:
    from fervlm.readers import FORMATS

    real = sum(info.checked_on is not None for info in FORMATS.values())
    return f"{len(FORMATS)} file formats, {real} of them checked on real files (`fervlm formats`)"


def _try_pictures() -> str:
    from fervlm.examples import photograph
    from fervlm.predict.load import load

    model = load()
    seen = model.explain(photograph())
    if len(seen) != 1 or seen[0].verification is None or not seen[0].verification.ok:
        raise RuntimeError("the packaged photograph is not explained as it should be")
    return f"{model.name} explains a photograph, every sentence checked"


def _try_png() -> str:
    from fervlm.vision.raster import png

    picture = png('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>')
    return f"SVG becomes PNG ({len(picture)} bytes)"


def _attempt(name: str, trial: Callable[[], str]) -> Check:
    try:
        return Check(name, True, trial())
    except Exception as error:
        return Check(name, False, f"{type(error).__name__}: {error}")


def checks() -> list[Check]:
    """The main job tried in miniature: read, explain, verify, draw."""
    return [
        _attempt("readers", _try_formats),
        _attempt("explain and verify", _try_example),
        _attempt("look at pictures", _try_pictures),
        _attempt("draw", _try_png),
    ]


def doctor() -> None:
    """Show what is installed, what works, and what to type for the rest. Exit code 1 where the main job fails."""
    import platform

    from rich.table import Table

    from fervlm import __version__
    from fervlm.cli.tables import show

    typer.echo(f"fervlm {__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    packages = Table("core package", "installed", title=None, box=None, pad_edge=False)
    for name, version in core().items():
        packages.add_row(name, version or "MISSING: pip install --force-reinstall fervlm")
    optional = Table("extra", "state", "to complete it, type", "packages", box=None, pad_edge=False)
    for extra in extras():
        state = "complete" if not extra.missing else f"{len(extra.missing)} missing"
        command = "" if not extra.missing else f"pip install 'fervlm[{extra.name}]'"
        optional.add_row(extra.name, state, command, ", ".join(extra.missing or extra.installed))
    results = Table("tried", "result", "", box=None, pad_edge=False)
    outcome = checks()
    for check in outcome:
        results.add_row(check.name, "works" if check.works else "FAILS", check.result)
    for table in (packages, optional, results):
        typer.echo()
        show(table)
    if not all(check.works for check in outcome):
        raise typer.Exit(1)
