"""The command line: the demo trains, exports and checks."""

import re

import onnx
import pytest

from onnxseq import cli


def test_the_demo_writes_a_checked_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status = cli.main(["demo", "--epochs", "2"])
    printed = capsys.readouterr().out
    onnx.checker.check_model(onnx.load(tmp_path / "digits.onnx"), full_check=True)
    assert re.search(r"Epoch 2/2", printed) and re.search(r"val_acc: 0\.\d{4}", printed)
    difference = re.search(r"largest difference from predict in a fresh session (\S+)", printed)
    assert float(difference[1]) <= 1e-5
    accuracy = float(re.search(r"validation accuracy (\S+) on 359 images", printed)[1])
    assert status == (0 if accuracy >= 0.97 else 1)
    assert re.search(r"[\d.]+ ms per training step of 32 images", printed)


def test_a_missing_command_is_refused(capsys):
    with pytest.raises(SystemExit):
        cli.main([])
    assert "the following arguments are required: command" in capsys.readouterr().err
