"""The plugin's translations: resources/i18n/changescribe_LANGUAGE.ts from the sources, and the .qm files that QGIS loads.

Qt's own pylupdate takes the class that a call stands in for its context; here all texts have one context and go through ``tr`` and ``mark`` of
qgis_plugin/i18n.py, so they are read from the syntax tree. Standard library, and Qt's lrelease for the .qm files.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "resources" / "i18n"
CONTEXT = "ChangeScribe"
FUNCTIONS = ("tr", "mark")


def sources(package: Path = ROOT / "qgis_plugin") -> dict[str, list[str]]:
    """Texts to translate and the files that have them, in the order of the files.

    Raises
    ------
    SystemExit
        A text that is put together, which no translator could find.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package.parent).as_posix()
        for text in texts_in(ast.parse(path.read_text("utf-8"))):
            if isinstance(text, (ast.JoinedStr, ast.BinOp)):
                raise SystemExit(
                    f"{place}:{text.lineno}: a text that is put together. Write one literal with placeholders: tr('{{}} tiles', number)."
                )
            if isinstance(text, ast.Constant) and place not in found.setdefault(text.value, []):
                found[text.value].append(place)
    return found


def texts_in(tree: ast.Module) -> list[ast.expr]:
    """First arguments of ``tr`` and ``mark``, in the order of the file."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS]
    return sorted((call.args[0] for call in calls), key=lambda text: (text.lineno, text.col_offset))


def translations(path: Path) -> dict[str, str]:
    """Finished translations of a .ts file by source text."""
    if not path.is_file():
        return {}
    messages = ElementTree.parse(path).iter("message")
    return {
        message.findtext("source", ""): message.findtext("translation", "")
        for message in messages
        if message.find("translation").get("type") != "unfinished"
    }


def ts_text(language: str, texts: dict[str, list[str]], known: dict[str, str]) -> str:
    """A .ts file's text: every source, with its translation or marked as unfinished; what is in no source any more is dropped."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>"]
    lines += [f'<TS version="2.1" language="{language}" sourcelanguage="en">', "<context>", f"    <name>{CONTEXT}</name>"]
    for source, places in texts.items():
        lines.append("    <message>")
        lines += [f'        <location filename="../../{place}"/>' for place in places]
        lines.append(f"        <source>{escape(source)}</source>")
        translation = f"<translation>{escape(known[source])}</translation>" if source in known else '<translation type="unfinished"></translation>'
        lines += [f"        {translation}", "    </message>"]
    return "\n".join([*lines, "</context>", "</TS>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", help="languages to add, such as fr; those that are there are always brought up to date")
    args = parser.parse_args()
    lrelease = shutil.which("lrelease") or shutil.which("lrelease-qt5")
    if lrelease is None:
        raise SystemExit("Qt's lrelease is missing. Debian and Ubuntu: apt-get install qttools5-dev-tools")
    texts = sources()
    there = {path.stem.removeprefix("changescribe_") for path in FOLDER.glob("changescribe_*.ts")}
    for language in sorted(there | set(args.languages)):
        path = FOLDER / f"changescribe_{language}.ts"
        known = translations(path)
        path.write_text(ts_text(language, texts, known), "utf-8")
        subprocess.run([lrelease, "-silent", str(path), "-qm", str(path.with_suffix(".qm"))], check=True)
        missing = [source for source in texts if source not in known]
        print(f"{path.relative_to(ROOT)}: {len(texts)} texts, {len(missing)} without a translation")


if __name__ == "__main__":
    main()
