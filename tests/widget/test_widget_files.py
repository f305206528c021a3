"""The widget's files as they are served: small, whole, the same in every language. Its state under node's runner."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from bot.settings import ROOT
from bot.widget import assemble as assembling
from bot.widget.assemble import ENTRY, SOURCE, TEXTS, Bundle, assemble, emergency_numbers, integrity, strip
from tests.web.fixtures import app, browser, client, engine, fake_bot, settings  # noqa: F401

HELPLINES = yaml.safe_load((ROOT / "data/helplines.yml").read_text(encoding="utf-8"))["countries"]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return assemble(HELPLINES, 30)


def gzipped(bundle: Bundle, name: str) -> int:
    return len(gzip.compress(bundle.files[name].content, 9))


# -- size ----------------------------------------------------------------------------------------------------------


def test_the_launcher_is_small(bundle: Bundle) -> None:
    assert gzipped(bundle, ENTRY) <= 3 * 1024


def test_all_script_and_style_with_english_texts_is_small(bundle: Bundle) -> None:
    """What a visitor's browser loads until the first answer."""
    assert gzipped(bundle, ENTRY) + gzipped(bundle, bundle.panel) <= 14 * 1024


async def test_it_is_served_compressed(client: httpx.AsyncClient, bundle: Bundle) -> None:  # noqa: F811
    for name in (ENTRY, bundle.panel):
        response = await client.get(f"/widget/{name}", headers={"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip" and response.content == bundle.files[name].content
        assert "Accept-Encoding" in response.headers["Vary"]
        plain = await client.get(f"/widget/{name}", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers and plain.content == response.content


# -- addresses -----------------------------------------------------------------------------------------------------


def test_one_hash_covers_both(bundle: Bundle) -> None:
    entry = bundle.files[ENTRY].content.decode()
    assert bundle.integrity == integrity(bundle.files[ENTRY].content)
    assert f'"{bundle.panel}"' in entry and integrity(bundle.files[bundle.panel].content, "sha256") in entry


def test_another_installation_has_other_addresses(bundle: Bundle) -> None:
    other = assemble(HELPLINES, 7)
    assert other.panel != bundle.panel and other.integrity != bundle.integrity
    assert assemble(HELPLINES, 30) == bundle


async def test_pages_anywhere_may_load_it(client: httpx.AsyncClient, bundle: Bundle) -> None:  # noqa: F811
    entry = await client.get(f"/widget/{ENTRY}", headers={"Origin": "https://anywhere.example"})
    assert entry.headers["Access-Control-Allow-Origin"] == "*"
    assert entry.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert entry.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" not in entry.headers["Cache-Control"], "a new version has to reach the pages that embed it"
    assert "immutable" in (await client.get(f"/widget/{bundle.panel}")).headers["Cache-Control"]
    again = await client.get(f"/widget/{ENTRY}", headers={"If-None-Match": entry.headers["ETag"]})
    assert again.status_code == 304
    for missing in ("panel-0000000000000000.js", "element.js", "..%2fassemble.py"):
        assert (await client.get(f"/widget/{missing}")).status_code == 404


async def test_the_demo_says_how_to_embed_it(client: httpx.AsyncClient, bundle: Bundle) -> None:  # noqa: F811
    page = (await client.get("/widget/demo")).text
    assert bundle.integrity in page.replace("&#43;", "+")
    assert "http://bot.test/widget/chat-widget.js" in page


# -- what is left out ----------------------------------------------------------------------------------------------

STRIPPED = [
    ("a comment", "a(); // why\n", "a();\n"),
    ("a long one", "/** what\n * it does\n */\na();\n", "a();\n"),
    ("indents", "if (a) {\n  b();\n}\n", "if(a){b()}\n"),
    ("a trailing comma", "a(\n  b,\n  c,\n);\n", "a(b,c);\n"),
    ("words stay apart", "const a = new B();\nreturn a in b;\n", "const a=new B();return a in b;\n"),
    ("a statement that ends with its line", "const f = () => {\n  a();\n}\nb();\n", "const f=()=>{a()}\nb();\n"),
    ("signs stay apart", "a + +b - -c;\n", "a+ +b- -c;\n"),
    ("a text", "a(\"// no  comment\", '/* x */');\n", "a(\"// no  comment\",'/* x */');\n"),
    ("an escaped quote", 'a("\\"// x");\n', 'a("\\"// x");\n'),
    ("a template", "a(`one  ${b} // two`);\n", "a(`one  ${b} // two`);\n"),
    ("a pattern", "a(/^[/] +/, b);\n", "a(/^[/] +/,b);\n"),
    ("a pattern with a quote", "a.replace(/['\"]/g, b);\n", "a.replace(/['\"]/g,b);\n"),
    ("a division", "a = b / c / d; // e\n", "a=b/c/d;\n"),
    ("a division by a bracket", "a = (b + 1) / 2;\n", "a=(b+1)/2;\n"),
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in STRIPPED], ids=[row[0] for row in STRIPPED])
def test_strip(given: str, expected: str) -> None:
    assert strip(given) == expected


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.js")), ids=lambda path: path.name)
def test_nothing_dangerous_in_the_source(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in source, f"{word} in bot/widget/source/{path.name}"
    assert not re.search(r"https?://(?!www\.w3\.org)", re.sub(r"//[^\n]*", "", source)), "an address of somebody else"


def test_every_module_is_served() -> None:
    assert {path.name for path in SOURCE.glob("*.js")} == {*assembling._ENTRY_MODULES, *assembling._PANEL_MODULES}


def test_an_import_that_is_not_understood_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.js").write_text("export default 7;\n")
    monkeypatch.setattr(assembling, "SOURCE", tmp_path)
    with pytest.raises(ValueError, match=r"a\.js"):
        assembling._script(["a.js"], {})


# -- words ---------------------------------------------------------------------------------------------------------


def english() -> dict[str, str]:
    return json.loads((TEXTS / "en.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(TEXTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_language_says_everything(path: Path) -> None:
    words = json.loads(path.read_text(encoding="utf-8"))
    assert list(words) == list(english()), f"open bot/widget/texts/{path.name}"
    for key, text in words.items():
        assert text.strip() == text and text
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", english()[key])), key


def test_every_text_is_used_and_there() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.glob("*.js"))
    used = set(re.findall(r"\b(?:texts|words)\.(\w+)", source))
    reasons = {"offline", "many", "unready"}  # named by why a message was not sent
    assert used - {"at"} <= set(english())
    assert set(english()) <= used | reasons


def test_emergency_numbers_are_those_of_the_file() -> None:
    numbers, union = emergency_numbers(HELPLINES)
    assert numbers["US"] == ["911"] and numbers["GB"] == ["999"] and numbers["IE"] == ["112", "999"]
    assert "INTL" not in numbers and "FR" in union and "GB" not in union
    assert emergency_numbers({}) == ({}, [])


def test_time_zones_never_contradict_the_table_of_the_bot() -> None:
    table = yaml.safe_load((ROOT / "data/screen/countries.yml").read_text(encoding="utf-8"))["countries"]
    zones = {zone: code for code, entry in table.items() for zone in entry.get("zones", ())}
    source = (SOURCE / "links.js").read_text(encoding="utf-8")
    known = {
        code: re.compile(pattern) for code, pattern in re.findall(r"^  ([A-Z]{2}): /(.+)/,$", source, re.MULTILINE)
    }
    assert len(known) == 8
    union = set(HELPLINES["EU"]["members"])
    for zone, country in zones.items():
        for code, pattern in known.items():
            if pattern.search(zone):
                assert code == country or (code == "EU" and country in union), zone


def test_the_operators_country(bundle: Bundle) -> None:
    other = assemble(HELPLINES, 30, "IE")
    assert b'const COUNTRY = "IE"' in other.files[other.panel].content


# -- colours -------------------------------------------------------------------------------------------------------

PAIRS = [
    (front, back)
    for back in ("paper", "said")
    for front in ("ink", "soft", "link")
    if (front, back) != ("link", "said")
] + [("accent-ink", "accent"), ("warn-ink", "warn")]


@pytest.mark.parametrize("scheme", ["root", "dark"])
@pytest.mark.parametrize(("front", "back"), PAIRS)
def test_contrast(scheme: str, front: str, back: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    assert contrast(colours(scheme)[front], colours(scheme)[back]) >= 4.5


@pytest.mark.parametrize("scheme", ["root", "dark"])
@pytest.mark.parametrize("line", ["edge", "warn-line", "link"])
def test_contrast_of_edges(scheme: str, line: str) -> None:
    """WCAG 2.2, 1.4.11: the edge of a field or a button and the ring of the focus, at least 3 to 1."""
    assert contrast(colours(scheme)[line], colours(scheme)["paper"]) >= 3


def colours(scheme: str) -> dict[str, str]:
    found = {}
    for name in ("launcher.css", "panel.css"):
        style = (SOURCE / name).read_text(encoding="utf-8")
        for block in re.findall(rf"^\.(?:root\.)?{scheme} \{{(.*?)\}}", style, re.DOTALL | re.MULTILINE):
            found |= dict(re.findall(r"--([\w-]+): (?:var\([^#;]*)?#(\w{3,6})\)*;", block))
    return found


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    full = "".join(letter * 2 for letter in colour) if len(colour) == 3 else colour
    parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# -- state ---------------------------------------------------------------------------------------------------------


def find_node() -> str | None:
    """The machine's own, else the one that comes with Playwright."""
    found = shutil.which("node")
    if found is None and importlib.util.find_spec("playwright"):
        from playwright._impl._driver import compute_driver_executable

        found = str(compute_driver_executable()[0])
    return found if found and Path(found).exists() else None


def test_the_state_under_node() -> None:
    node = find_node()
    if node is None:
        assert os.environ.get("CI") != "true", "CI needs node for the widget's tests (Debian: apt install nodejs)"
        pytest.skip("no node here; `apt install nodejs` brings it")
    files = [str(path) for path in sorted(HERE.glob("*.test.mjs"))]
    done = subprocess.run([node, "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert int(re.search(r"pass (\d+)", done.stdout)[1]) >= 35  # type: ignore[index]
