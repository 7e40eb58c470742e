"""`fervlm push FOLDER NAME/REPO`: a checkpoint of either kind to the Hugging Face hub, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fervlm.errors import FervlmError, MissingExtraError


def push(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A checkpoint of `fervlm train` or `merge`.")],
    repo: Annotated[str, typer.Argument(metavar="NAME/REPO", help="Made where it is not there yet.")],
    private: Annotated[bool, typer.Option("--private", help="For you alone, where the repository is new.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
) -> None:
    """Upload a checkpoint: the files that its manifest names, after all of them are found to be what it says.

    Log in first: `hf auth login`. Other files of the folder stay here.
    """
    names = files_of(folder)
    size = sum((folder / name).stat().st_size for name in names) / 2**20
    if dry_run:
        for name in names:
            typer.echo(name)
        typer.echo(f"fervlm: {len(names)} files, {size:.1f} MiB, would be sent to {repo}", err=True)
        return
    send(folder, names, repo, private=private)
    typer.echo(f"fervlm: {len(names)} files, {size:.1f} MiB, are in {repo}", err=True)


def files_of(folder: Path) -> list[str]:
    """Names of the files to send, sorted; each was compared with the manifest.

    Raises:
        FervlmError: the folder is no whole checkpoint, has no card or licence, or stands on a base that is only here.
    """
    from fervlm.checkpoint import CARD, LICENCE, MANIFEST, open_checkpoint
    from fervlm.mllm.manifest import is_mllm, read_manifest

    if is_mllm(folder):
        told = read_manifest(folder)
        names, base = set(told.files), told.base
        if told.adapter and (Path(base).is_absolute() or Path(base).exists() or (folder / base).exists()):
            raise FervlmError(
                f"the adapter stands on '{base}', a folder that nobody else has",
                file=folder,
                hint="Train it on a base by its hub name, or make it whole: fervlm merge FOLDER --out NEW.",
            )
    else:
        names = set(open_checkpoint(folder).manifest.files)
    for name in (CARD, LICENCE):
        if not (folder / name).is_file():
            raise FervlmError(f"has no {name}, and nobody could know its terms", file=folder, hint="Write one first.")
    return sorted(names | {MANIFEST, CARD, LICENCE})


def send(folder: Path, names: list[str], repo: str, *, private: bool = False) -> None:
    """One commit with these files.

    Raises:
        FervlmError: the hub cannot be reached or does not take them.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError:
        raise MissingExtraError("uploading", "train") from None
    try:
        api = HfApi()
        api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(folder_path=folder, repo_id=repo, allow_patterns=names, commit_message="fervlm checkpoint")
    except (OSError, HfHubHTTPError, ValueError) as error:
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise FervlmError(f"the hub did not take it ({reason})", hint="Log in with: hf auth login.") from None
