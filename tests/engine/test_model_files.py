"""Adding weights: only published safetensors files, known by their sha256."""

import os
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine import model_files, registry
from engine.errors import ModelError, OutputError

import fakes


def test_published_weights_are_copied_and_found(fake_weights, tmp_path):
    moved = tmp_path / "download.safetensors"
    fake_weights.rename(moved)
    assert model_files.check(fakes.ID)["state"] == "missing"
    assert model_files.listing()[0]["available"] is False
    added = model_files.add(str(moved))
    assert added == {"id": fakes.ID, "path": str(tmp_path / "models" / "fake.safetensors")}
    assert registry.load(fakes.ID).card.id == fakes.ID
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["fake.safetensors"]


def test_a_pickle_is_refused(fake_weights, tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02.")
    with pytest.raises(ModelError, match="pickled checkpoint"):
        model_files.add(str(path))
    path.write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(ModelError, match="pickled checkpoint"):
        model_files.add(str(path))


def test_other_files_are_refused(fake_weights, tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match="not a safetensors file"):
        model_files.add(str(path))
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(ModelError, match="no config and no card"):
        model_files.add(str(path))
    save_file({"a": np.zeros(2)}, path, metadata={"config": "{}", "card": "{}"})
    with pytest.raises(ModelError, match="not the published file of any known model"):
        model_files.add(str(path))


def test_a_folder_that_cannot_be_made_is_said(fake_weights, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(OutputError, match="cannot be written"):
        model_files.add(str(fake_weights))


def test_the_card_is_read_without_the_weights(fake_weights):
    assert registry.card(fakes.ID).threshold == 0.1


def test_damaged_weights_are_not_opened(fake_weights):
    whole = fake_weights.read_bytes()
    fake_weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ModelError, match=r"damaged or not the published file \(sha256 \w{12}…\)"):
        registry.card(fakes.ID)


def test_weights_of_another_size_are_not_even_read(fake_weights):
    os.truncate(fake_weights, 1 << 40)  # sparse; to hash it would take an hour
    with pytest.raises(ModelError, match=rf"not the published file \({1 << 40} bytes\)"):
        registry.load(fakes.ID)


def test_weights_that_change_are_verified_anew(fake_weights):
    whole = fake_weights.read_bytes()
    registry.verify(fakes.ID)
    fake_weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    os.utime(fake_weights, ns=(1, 1))
    with pytest.raises(ModelError, match="damaged"):
        registry.verify(fakes.ID)
