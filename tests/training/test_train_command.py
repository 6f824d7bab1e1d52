"""``changescribe train NAME`` hands over to what trains that model."""

import importlib.util
import json

import pytest

from engine.cli import main
from engine.contract.errors import InputError


@pytest.mark.parametrize(
    ("name", "arguments", "shown"),
    [
        ("dfm", ["--no-prior"], ("config", "cd_prior", False)),
        ("diffusion-rscc", [], ("config", "family", "discrete")),
        ("kd-rscc", ["--steps", "7"], ("options", "steps", 7)),
        ("diffusion-rscc-compact", [], ("config", "encoder", "efficientnet-lite2")),
        ("kd-rscc-compact", ["--accumulate", "2"], ("options", "accumulate", 2)),
    ],
)
def test_dry_run_of_a_model_by_its_name(name, arguments, shown, small_data, capsys):
    assert main(["train", name, "--data", str(small_data), *arguments, "--dry-run"]) == 0
    part, member, value = shown
    assert json.loads(capsys.readouterr().out)[part][member] == value


@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="needs accelerate")
def test_dry_run_of_ccexpert(capsys):
    assert main(["train", "ccexpert", "--preset", "ccexpert-tiny", "--dry-run"]) == 0
    assert {"options", "trained"} <= set(next(iter(json.loads(capsys.readouterr().out).values())))


def test_help_of_a_model_is_that_of_its_training(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "scribe-s", "--help"])
    assert stopped.value.code == 0
    assert "EfficientNet-lite variant" in capsys.readouterr().out


def test_help_of_the_export(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["export", "--help"])
    assert stopped.value.code == 0
    assert "--packing" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["export"])
    assert "required: RUN" in capsys.readouterr().err


def test_another_name_is_refused_with_those_there_are(capsys):
    assert main(["train", "gpt", "--dry-run"]) == InputError.exit_code
    message = " ".join(capsys.readouterr().err.split())
    assert "nothing that trains 'gpt'" in message and "kd-rscc" in message
