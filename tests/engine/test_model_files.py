"""Adding weights: only published safetensors files, known by their sha256."""

import json
import os
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine import registry
from engine.contract.errors import ModelError, OutputError
from engine.models.captioner import ModelCard
from engine.registry import files as model_files
from engine.registry.installed import EXTERNAL_GROUP

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


def tuned(path, model_id="fake-tuned", tuned_from=fakes.ID, value=1.0):
    """Weights as ``training.tuning.tune`` leaves them."""
    card = ModelCard(model_id, "a fake tuned on 9 reviewed tiles", threshold=0.1)
    metadata = {"card": json.dumps(card.to_json()), "config": "{}", "tuned_from": tuned_from}
    save_file({"nothing": np.full(64, value, np.float32)}, path, metadata=metadata)
    return str(path)


def test_a_tuned_model_is_listed_beside_the_published_ones(fake_weights, tmp_path):
    added = model_files.add(tuned(tmp_path / "t.safetensors"))
    assert added["id"] == "fake-tuned" and registry.verify("fake-tuned").is_file()
    row = registry.row("fake-tuned")
    assert row["class"] == registry.row(fakes.ID)["class"] and row["metrics"] == {}
    assert registry.card("fake-tuned").name == "a fake tuned on 9 reviewed tiles"
    assert type(registry.load("fake-tuned")) is fakes.FakeCaptioner
    assert [row["id"] for row in model_files.listing()] == [fakes.ID, "fake-tuned"]


def test_a_tuned_model_replaces_its_earlier_self(fake_weights, tmp_path):
    model_files.add(tuned(tmp_path / "1.safetensors"))
    model_files.add(tuned(tmp_path / "2.safetensors", value=2.0))
    model_files.add(tuned(tmp_path / "3.safetensors", "another", value=3.0))
    assert [row["id"] for row in registry.rows()] == [fakes.ID, "fake-tuned", "another"]
    assert model_files.check("fake-tuned")["state"] == model_files.check("another")["state"] == "ok"


@pytest.mark.parametrize("model_id", [fakes.ID, "../x", "A b", "", "x" * 41])
def test_a_tuned_model_needs_a_plain_name_of_its_own(fake_weights, tmp_path, model_id):
    with pytest.raises(ModelError, match="as the id of a model of your own"):
        model_files.add(tuned(tmp_path / "t.safetensors", model_id))


def test_what_was_tuned_of_an_unknown_model_is_refused(fake_weights, tmp_path):
    with pytest.raises(ModelError, match="unknown model 'nobody'"):
        model_files.add(tuned(tmp_path / "t.safetensors", tuned_from="nobody"))


def test_a_forged_list_of_models_cannot_name_code_or_paths(fake_weights, tmp_path):
    """Whoever can write into the user's folder gains no more than weights."""
    good = {"id": "mine", "name": "mine", "tuned_from": fakes.ID, "trained_on": "x", "sha256": "0" * 64, "bytes": 1}
    forged = [good | {"class": "os:system"}, good | {"id": "../../x"}, good | {"tuned_from": "nobody"}, good | {"id": fakes.ID}, {"id": "y"}, 3]
    folder = tmp_path / "models"
    folder.mkdir(parents=True, exist_ok=True)
    for entry in forged:
        (folder / "models.json").write_text(json.dumps({"models": [entry]}))
        assert [row["id"] for row in registry.rows()] == [fakes.ID]
    (folder / "models.json").write_text(json.dumps({"models": [good | {"file": "/etc/passwd"}]}))
    assert [row["id"] for row in registry.rows()] == [fakes.ID]
    (folder / "models.json").write_text(json.dumps({"models": [good]}))
    assert registry.row("mine")["file"] == "mine.safetensors"


def test_weights_that_cannot_be_read_are_the_users_to_mend(fake_weights, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(registry, "sha256_of", refused)
    os.utime(fake_weights, ns=(2, 2))  # else the digest of an earlier look is taken
    with pytest.raises(ModelError, match=r"cannot be read \(Permission denied\).*permissions"):
        registry.verify(fakes.ID)


def trained(path, architecture, model_id="mine"):
    """Weights as ``changescribe export`` leaves them."""
    metadata = {"card": json.dumps(ModelCard(model_id, "mine").to_json()), "config": "{}", "architecture": architecture}
    save_file({"nothing": np.zeros(4, np.float32)}, path, metadata=metadata)
    return str(path)


def offer(monkeypatch, found):
    """A package that is installed beside the engine and offers ``found``."""

    class Entry:
        value = "acme:Captioner"

        def load(self):
            return found

    monkeypatch.setattr(registry, "entry_points", lambda group, name: [Entry()] if (group, name) == (EXTERNAL_GROUP, "acme/fake") else [])


def test_the_architecture_of_an_installed_package_is_used(fake_weights, tmp_path, monkeypatch):
    offer(monkeypatch, fakes.FakeCaptioner)
    model_files.add(trained(tmp_path / "t.safetensors", "acme/fake"))
    assert registry.row("mine")["architecture"] == "acme/fake"
    assert type(registry.load("mine")) is fakes.FakeCaptioner


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("acme/other", "offered by 0 installed packages.*install acme"),
        ("os:system", "has the architecture 'os:system'"),
        ("../acme/fake", "has the architecture"),
        ("acme/fake:x", "has the architecture"),
    ],
)
def test_no_file_names_code_that_is_not_offered(fake_weights, tmp_path, monkeypatch, architecture, message):
    offer(monkeypatch, fakes.FakeCaptioner)
    with pytest.raises(ModelError, match=message):
        model_files.add(trained(tmp_path / "t.safetensors", architecture))
    assert [row["id"] for row in registry.rows()] == [fakes.ID]


def test_what_is_offered_must_be_a_captioner(fake_weights, tmp_path, monkeypatch):
    offer(monkeypatch, dict)
    with pytest.raises(ModelError, match="acme:Captioner, which is no captioner"):
        model_files.add(trained(tmp_path / "t.safetensors", "acme/fake"))
