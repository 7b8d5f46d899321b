"""The benchmark's own parts: which peers a model has, and that PyTorch's two ways of its recurrent layer are one."""

import numpy as np
import pytest

from benchmarks import peers, report, torch_peer, worker
from benchmarks.cases import CASES


@pytest.mark.parametrize("model", CASES)
def test_a_peer_that_drops_states_is_for_models_that_do(model):
    layers = {"LSTM": [], "GRU": []}

    class Recording:
        """Layers that keep what they are called with."""

        def __getattr__(self, kind):
            return lambda *_, **arguments: layers.setdefault(kind, []).append(arguments)

    CASES[model].build(Recording(), {})
    drops = any(arguments.get("recurrent_dropout") for kind in ("LSTM", "GRU") for arguments in layers[kind])
    assert ("torch-steps" in peers.peers_for(CASES[model], list(peers.PEERS))) is drops


def test_other_peers_are_for_every_model():
    others = [name for name in peers.PEERS if name not in peers.ONLY_FOR]
    assert all(peers.peers_for(case, others) == others for case in CASES.values())


def test_every_peer_is_made():
    assert list(worker.MAKERS) == list(peers.PEERS)


def test_a_peer_that_leaves_out_a_part_is_shown_and_not_counted():
    seconds = {"onnxseq": 0.03, "torch": 0.01, "torch-steps": 0.04}
    results = {name: {"train": [value] * 3, "predict": [value] * 3, "version": "1"} for name, value in seconds.items()}
    measured = {"models": {"lstm": {"results": results, "missing": {}}}, "import": {}}
    assert report.ratio(measured, "lstm", "train", "onnxseq") == (pytest.approx(0.75), "torch-steps")
    assert report.ratio(measured, "lstm", "predict", "onnxseq") == (pytest.approx(3), "torch")
    table = "\n".join(report.verb_table(measured, "train"))
    assert "| 30 | 10* | 40 |" in table and "leaves out a part" in table
    assert "leaves out" not in "\n".join(report.verb_table(measured, "predict"))


def test_torch_goes_by_steps_to_where_its_fused_layer_goes():
    torch = pytest.importorskip("torch")
    torch_steps = pytest.importorskip("benchmarks.torch_steps")
    layer = torch.nn.LSTM(8, 6, batch_first=True)
    ways = torch_peer.recurrent(torch.nn, layer), torch_steps.Last(layer, 0.0)
    x = torch.randn(3, 5, 8, requires_grad=True)
    results = []
    for way in ways:
        y = way(x)
        results.append([y, *torch.autograd.grad(y.sin().sum(), [x, *layer.parameters()]), way.eval()(x)])
        way.train()
    for fused, stepwise in zip(*results, strict=True):
        np.testing.assert_allclose(stepwise.detach(), fused.detach(), rtol=1e-5, atol=1e-6)


def test_the_written_gradient_of_torchs_steps_is_the_slope():
    torch = pytest.importorskip("torch")
    torch_steps = pytest.importorskip("benchmarks.torch_steps")
    x, kernel = (torch.randn(*dims, dtype=torch.double, requires_grad=True) for dims in ((5, 2, 12), (12, 3)))
    mask = torch.tensor([[0.0, 1.25, 1.25], [1.25, 0.0, 1.25]], dtype=torch.double)
    assert torch.autograd.gradcheck(lambda x, kernel: torch_steps.Steps.apply(x, mask, kernel), (x, kernel))
