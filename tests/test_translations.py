"""The plugin's texts: each goes through ``tr``, the .ts files hold exactly those of the sources, and German is complete."""

import ast
import importlib.util
import re
import string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = sorted((ROOT / "resources" / "i18n").glob("*.ts"))
# Calls whose first texts a user reads, and the place of that text; None: all of them.
ERRORS = (
    "RasterError",
    "NoOverlapError",
    "AreaError",
    "OutputError",
    "ModelError",
    "InputError",
    "EngineError",
    "Cancelled",
    "QgsProcessingException",
)
SHOWN = {
    **dict.fromkeys(("setText", "setToolTip", "setPlaceholderText", "setSpecialValueText", "setPrefix", "setSuffix", "setFormat"), 0),
    **dict.fromkeys(("setWindowTitle", "setStatusTip", "addAction", "addRow", "beginEditCommand", "pushInfo", "pushWarning", "setProgressText"), 0),
    **dict.fromkeys(("QPushButton", "QCheckBox", "QRadioButton", "QLabel", "QGroupBox", "QgsCollapsibleGroupBox"), 0),
    **dict.fromkeys(("addTab", "on_progress", "_on_progress"), 1),
    **dict.fromkeys((*ERRORS, "say"), None),
}


def load_script():
    spec = importlib.util.spec_from_file_location("ci_translations", ROOT / ".ci" / "translations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


def literal(node):
    """Letters of a text that is written in the code itself."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def shown_texts(tree):
    """Arguments that a user reads."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        place = 1 if name.startswith(("QgsProcessingParameter", "QgsProcessingOutput")) else SHOWN.get(name, -1)
        if place != -1:
            yield from call.args if place is None else call.args[place : place + 1]


@pytest.mark.parametrize("path", sorted((ROOT / "qgis_plugin").rglob("*.py")), ids=lambda path: path.stem)
def test_what_a_user_reads_is_translated(path):
    texts = shown_texts(ast.parse(path.read_text("utf-8")))
    assert [f"line {node.lineno}: {literal(node)}" for node in texts if re.search("[A-Za-z]{3}", literal(node))] == []


def test_a_text_that_is_put_together_is_refused(tmp_path):
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "a.py").write_text('tr(f"{number} tiles")\n')
    with pytest.raises(SystemExit, match=r"plugin/a\.py:1: a text that is put together"):
        script.sources(tmp_path / "plugin")


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_ts_files_are_up_to_date(path):
    """After an edit of the plugin's texts: make translations, then translate what is new."""
    language = path.stem.removeprefix("changescribe_")
    assert path.read_text("utf-8") == script.ts_text(language, script.sources(), script.translations(path))


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_text_is_translated(path):
    known = script.translations(path)
    assert [text for text in script.sources() if not known.get(text, "").strip()] == []


def placeholders(text):
    return sorted(part[1:] for part in string.Formatter().parse(text) if part[1] is not None)


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_translations_have_the_placeholders_and_the_edges_of_their_texts(path):
    edges = re.compile(r"^\s*|\s*$")
    wrong = [
        (text, translation)
        for text, translation in script.translations(path).items()
        if placeholders(text) != placeholders(translation) or edges.findall(text) != edges.findall(translation)
    ]
    assert wrong == []


def test_new_texts_are_unfinished_and_old_ones_go(tmp_path):
    path = tmp_path / "changescribe_fr.ts"
    path.write_text(script.ts_text("fr", {"Tile": ["a.py"], "Area": ["a.py"]}, {"Tile": "Tuile", "Gone": "Parti"}), "utf-8")
    assert script.translations(path) == {"Tile": "Tuile"}
    assert 'type="unfinished"' in path.read_text("utf-8")
