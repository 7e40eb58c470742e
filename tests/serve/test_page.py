"""The page in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fervlm.examples import photograph, recording
from tests.serve.conftest import Served

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")
expect = playwright.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")
DONE = "#checked:not(:empty)"


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield found
        found.close()


@pytest.fixture
def page(browser: playwright.Browser, server: str) -> Iterator[object]:
    """The page, freshly loaded; the test fails where its script does, or where it asks anybody but the server."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    found = context.new_page()
    wrong: list[str] = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("request", lambda r: wrong.append(r.url) if not r.url.startswith((server, "blob:", "data:")) else None)
    found.goto(server)
    yield found
    context.close()
    assert wrong == []


def _explained(page: playwright.Page) -> None:
    page.set_input_files("#file", str(photograph()))
    page.wait_for_selector(DONE)


def test_a_picture_is_explained_with_its_muscles_and_ranks(page: playwright.Page) -> None:
    _explained(page)
    assert page.inner_text("#label") == "happiness"
    assert page.locator("#said h3").all_inner_texts() == [
        "OVERVIEW",
        "KEY OBSERVATIONS",
        "INTERPRETATION",
        "CONCLUSION",
    ]
    verdicts = page.locator("#said li").evaluate_all("all => all.map(one => one.dataset.verdict)")
    assert "supported" in verdicts and set(verdicts) <= {"supported", "none"}
    assert page.locator("#units li").count() == 4
    assert page.locator("#stage .muscles [data-au]").count() >= 6
    assert page.locator("#stage .names [data-au]").count() == 4
    assert page.locator("#ranked tr").first.inner_text().split() == ["happiness", "95", "%"]
    page.click("text=Where the model looked")
    assert page.locator("#looked svg").is_visible()
    page.click("text=Whole picture")
    assert page.get_attribute("text=Whole picture", "aria-pressed") == "true"
    assert page.locator("#stage .box").count() == 1


def test_a_sentence_lights_up_what_it_speaks_of(page: playwright.Page) -> None:
    _explained(page)
    sentence = page.locator("#said li", has_text=re.compile(r"\(AU\d+\)")).first
    spoken_of = set(re.findall(r"AU(\d+)", sentence.inner_text()))
    lit = "#stage .muscles [data-au].on"
    assert page.locator(lit).count() == 0
    sentence.hover()
    units = page.locator(lit).evaluate_all("all => all.map(one => one.dataset.au)")
    assert units and all(set(one.split()) & spoken_of for one in units)
    told = page.locator("#units li.on").all_inner_texts()
    assert {re.match(r"AU (\d+)", one)[1] for one in told} == spoken_of != set()  # type: ignore[index]
    assert page.locator("#units li").count() > len(told)
    page.mouse.move(2, 2)
    assert page.locator(lit).count() == 0
    sentence.focus()  # the same by keyboard
    assert page.locator(lit).count() == len(units)


def test_own_words_and_movements_only(page: playwright.Page) -> None:
    _explained(page)
    page.fill("#own", "angry, happy, in pain")
    page.keyboard.press("Enter")
    expect(page.locator("#label")).to_have_text("happy")
    assert page.locator("#ranked th").all_inner_texts()[0] == "happy"
    page.check("#only")
    expect(page.locator("#label")).to_have_text("Movements only")
    assert page.locator("#ranked tr").count() == 0


def test_chat_answers_with_verdicts(page: playwright.Page) -> None:
    _explained(page)
    page.fill("#question", "Is AU4 present?")
    page.keyboard.press("Enter")
    answer = page.locator("#talk .it .list li").first
    answer.wait_for()
    assert answer.get_attribute("data-verdict") == "supported" and "AU4 is absent." in answer.inner_text()
    page.click("text=Why not disgust?")
    expect(page.locator("#talk .it .list")).to_have_count(2)
    assert "AU12" in page.locator("#talk .it").nth(1).inner_text()


def test_with_several_faces_each_can_be_chosen_and_asked_about(page: playwright.Page, tmp_path: Path) -> None:
    from PIL import Image, ImageOps

    with Image.open(photograph()) as photo:
        face = photo.convert("RGB").crop((130, 60, 400, 330))
    both = Image.new("RGB", (1000, 540), "grey")
    both.paste(face.resize((540, 540)), (0, 0))
    both.paste(ImageOps.posterize(face, 2).rotate(8, fillcolor="grey").resize((300, 300)), (640, 120))
    both.save(tmp_path / "two.png")
    page.set_input_files("#file", str(tmp_path / "two.png"))
    page.wait_for_selector(DONE)
    expect(page.locator("#faces button")).to_have_count(2)
    first = page.inner_text("#place")
    page.click("#faces >> text=Face 2")
    expect(page.locator("#place")).to_contain_text("face 2")
    assert "face 1" in first and page.get_attribute("#faces >> text=Face 2", "aria-pressed") == "true"
    with page.expect_request("**/v1/chat/completions") as sent:
        page.click("text=Is AU4 present?")
    assert sent.value.post_data_json["face"] == 1
    page.locator("#talk .it .list li").first.wait_for()


def test_an_au_file_gets_a_drawn_face_and_a_time_line(page: playwright.Page) -> None:
    page.set_input_files("#aufile", str(recording()))
    page.wait_for_selector(DONE)
    assert page.inner_text("#label") == "happiness" and "C, marked" in page.inner_text("#units")
    assert page.locator("#lines svg [data-au]").count() >= 8
    assert page.locator("#stage svg [data-au]").count() > 4
    page.fill("#question", "Is AU12 present?")
    page.keyboard.press("Enter")
    page.locator("#talk .it .list li", has_text="AU12 is present at level D").wait_for()


def test_a_file_given_before_the_page_is_ready_waits(page: playwright.Page) -> None:
    waiting: list[playwright.Route] = []
    page.route("**/v1/label-sets", lambda route: waiting.append(route))  # noqa: PLW0108 - playwright wants a function
    with page.expect_request("**/v1/label-sets"):
        page.reload(wait_until="domcontentloaded")
    page.set_input_files("#aufile", str(recording()))
    page.wait_for_selector("#said[aria-busy=true]", state="attached")
    page.wait_for_timeout(300)  # long enough for a request that does not wait to be refused
    for route in waiting:
        route.continue_()
    page.wait_for_selector(DONE)
    assert page.inner_text("#label") == "happiness" and not page.locator("#banner").is_visible()


def test_what_is_found_can_be_kept(page: playwright.Page, tmp_path: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _explained(page)
    page.click("#copy")
    page.wait_for_selector("text=Copied.")
    [copied] = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["label"] == "happiness"
    for name, begins in (("png", b"\x89PNG"), ("html", b"<!doctype html>")):
        with page.expect_download() as coming:
            page.click(f"#{name}")
        kept = tmp_path / name
        coming.value.save_as(kept)
        assert kept.read_bytes().startswith(begins)


def test_bad_files_are_one_sentence(page: playwright.Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture at all")
    page.set_input_files("#file", str(bad))
    page.wait_for_selector("#banner:visible")
    assert "is not a picture" in page.inner_text("#banner") and not page.is_visible("#again")
    _explained(page)
    assert not page.is_visible("#banner")


def test_paste_drop_and_camera(page: playwright.Page) -> None:
    page.click("#example")
    page.wait_for_selector(DONE)
    give = """async (kind) => {
      const blob = await (await fetch('/page/example.jpg')).blob();
      const data = new DataTransfer();
      data.items.add(new File([blob], kind + '.jpg', { type: 'image/jpeg' }));
      if (kind === 'paste') dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));
      else dispatchEvent(new DragEvent('drop', { dataTransfer: data }));
    }"""
    for kind in ("paste", "drop"):
        page.evaluate(give, kind)
        expect(page.locator("#place")).to_contain_text(f"{kind}.jpg")
    page.click("#fresh")
    page.click("#shoot")
    page.wait_for_selector("#camera[open]")
    page.click("#snap")  # the browser's test picture has no face
    page.wait_for_selector("#banner:visible")
    assert "no face was found" in page.inner_text("#banner")


def test_the_server_gone_and_back(browser: playwright.Browser, serve: Callable[..., Served]) -> None:
    served = serve()
    page = browser.new_page()
    page.goto(served.address)
    page.set_input_files("#file", str(photograph()))
    page.wait_for_selector(DONE)
    served.stop()
    page.fill("#own", "happy, sad")
    page.keyboard.press("Enter")
    page.wait_for_selector("#banner:visible")
    assert "does not answer" in page.inner_text("#banner") and page.is_visible("#again")
    back = serve("--port", served.address.rsplit(":", 1)[1])
    assert back.address == served.address
    page.click("#again")
    expect(page.locator("#label")).to_have_text("happy")
    assert not page.is_visible("#banner")
    page.close()


def test_a_key_is_asked_for(browser: playwright.Browser, serve: Callable[..., Served]) -> None:
    served = serve(environment={"FERVLM_API_KEYS": "a-key-of-sixteen-signs"})
    page = browser.new_page()
    page.goto(served.address)
    page.wait_for_selector("#keybox[open]")
    page.fill("#key", "a-key-of-sixteen-signs")
    page.click("text=Use it")
    expect(page.locator("#labelset option[value=basic7]")).to_have_count(1)
    page.set_input_files("#file", str(photograph()))
    page.wait_for_selector(DONE)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_width_and_contrast(browser: playwright.Browser, server: str, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    page.goto(server)
    _explained(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate("[...document.querySelectorAll('button')].filter(b => b.offsetHeight && b.offsetHeight < 24)")
    assert small == []
    nameless = "all => all.filter(n => !(n.innerText || n.ariaLabel || n.labels?.length)).map(n => n.id)"
    assert page.locator("button, input:not([hidden]), select").evaluate_all(nameless) == []
    for node in ("#label", "#said li", ".small", "#notice", "#units li"):
        assert _contrast(page, node) >= 4.5, (node, scheme)
    context.close()


def _contrast(page: playwright.Page, selector: str) -> float:
    """WCAG contrast of an element's text on the nearest ground that is painted."""
    found: float = page.locator(selector).first.evaluate("""node => {
      const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
      let ground = node;
      while (ground && (rgb(getComputedStyle(ground).backgroundColor)[3] === 0)) ground = ground.parentElement;
      const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
      const light = (c) => c.slice(0, 3).map(v => linear(v / 255))
        .reduce((sum, v, k) => sum + v * [.2126, .7152, .0722][k], 0);
      const one = light(rgb(getComputedStyle(node).color));
      const other = light(rgb(getComputedStyle(ground || document.body).backgroundColor));
      return (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    }""")
    return found
