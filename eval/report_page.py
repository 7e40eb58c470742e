"""A report as one HTML page without any outside file; pictures of wrong answers stay on the user's machine."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from eval.blocks import Block, Bullets, Failures, Heading, Paragraph, Plot, Table
from eval.item import Item
from eval.predictors.chat import picture_bytes
from fervlm.errors import FervlmError

PAGE_CSS = (
    ":root{color-scheme:light}body{margin:0;background:#fff;color:#222;font:15px/1.5 system-ui,sans-serif}"
    "main{max-width:1100px;margin:0 auto;padding:24px 20px 60px}h1{font-size:1.5rem}h2{margin-top:2.2em;"
    "border-bottom:1px solid #ccd}h3{margin:1.6em 0 .3em}.wide{overflow-x:auto}table{border-collapse:collapse;"
    "font-size:.88rem;margin:.6em 0}th,td{border:1px solid #dde;padding:4px 8px;text-align:left;vertical-align:top}"
    "th{background:#f3f5f8}.plot{display:inline-block;margin:8px 14px 8px 0;vertical-align:top}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px}"
    ".cards figure{margin:0;border:1px solid #dde;border-radius:6px;padding:6px;font-size:.82rem}"
    ".cards img{width:100%;image-rendering:auto;border-radius:4px}.none{height:110px;display:grid;"
    "place-items:center;background:#f3f5f8;color:#667}pre{white-space:pre-wrap;font-size:.78rem}code{background:#f3f5f8}"
)


def as_page(blocks: Sequence[Block], pictures: dict[str, Item]) -> str:
    """One HTML page without any outside file."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Evaluation")
    body = "\n".join(_html(block, pictures) for block in blocks)
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    head += '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f"{head}<style>{PAGE_CSS}</style></head><body><main>\n{body}\n</main></body></html>\n"


def _html(block: Block, pictures: dict[str, Item]) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{_code(block.text)}</p>"
    if isinstance(block, Bullets):
        return "<ul>" + "".join(f"<li>{_code(line)}</li>" for line in block.lines) + "</ul>"
    if isinstance(block, Table):
        head = "".join(f"<th>{escape(cell)}</th>" for cell in block.head)
        rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in block.rows)
        return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    if isinstance(block, Plot):
        return f'<figure class="plot">{block.svg}</figure>'
    return _failure_html(block, pictures)


def _code(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if k % 2 else part for k, part in enumerate(parts))


def _failure_html(block: Failures, pictures: dict[str, Item]) -> str:
    cards = []
    for one in block.wrong:
        image = _image(pictures.get(one.id))
        told = f"<b>{escape(one.truth)}</b>, answered <b>{escape(one.told)}</b>"
        text = f"<details><summary>text</summary><pre>{escape(one.text)}</pre></details>" if one.text else ""
        cards.append(
            f"<figure>{image}<figcaption>{told}<br><small>{escape(one.id)}</small>{text}</figcaption></figure>"
        )
    title = f"<h3>Wrong answers of {escape(block.predictor)}, the surest of each class</h3>"
    return f'{title}<div class="cards">{"".join(cards)}</div>'


def _image(item: Item | None) -> str:
    if item is None or item.is_clip:
        return '<div class="none">no picture</div>'
    try:
        data = picture_bytes(item.image())
    except (FervlmError, OSError):
        return '<div class="none">no picture</div>'
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f'<img alt="{escape(item.id)}" src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'
