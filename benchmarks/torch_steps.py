"""PyTorch's LSTM step by step, for models that drop its state, which the fused layer cannot.

The gradient is written out: the factors of every cotangent are made for all steps at once, and the kernel's gradient is
one product behind the loop. Of `lstm`, whole training steps (embedding and Adam included) in ms on one core, the least
of many, what else was tried beside the 28 of the fused layer, which drops no state:

- 45: the loop that autograd differentiates, with ``x + linear(h * mask, w)`` or ``addmm``, gates cut by ``chunk``;
- 45: the same with the three sigmoids as one and ``addcmul``;
- 49: the cell alone, or the gates alone, through ``torch.compile``;
- 45: the cell alone through ``torch.jit.script``;
- 42: the whole loop through ``torch.jit.script``, whichever axis the steps are on;
- 41: the whole loop through ``torch.compile``, which takes a minute;
- 38: this;
- 36: this without anything written in place, both loops through ``torch.compile``, which takes minutes.
"""

import torch
from torch import nn
from torch.nn import functional


class Steps(torch.autograd.Function):
    """The last state of an LSTM whose state is multiplied with a mask wherever it is read; gates lie as i, f, o, g."""

    @staticmethod
    def forward(context, x, mask, kernel):
        """Arguments: input products [steps, batch, 4 units]; mask [batch, units]; kernel [4 units, units]."""
        units, kernel_t = mask.shape[1], kernel.t()
        gates, tanh_cells = torch.empty_like(x), x.new_empty(len(x), *mask.shape)
        cells, states = x.new_zeros(len(x) + 1, *mask.shape), x.new_zeros(len(x) + 1, *mask.shape)
        each = [part.unbind(0) for part in (x, gates, gates[..., : 3 * units], *gates.chunk(4, 2), tanh_cells)]
        last = states[0]
        for t, (xt, all_gates, sigmoids, i, f, o, g, tanh_cell) in enumerate(zip(*each, strict=True)):
            torch.addmm(xt, states[t], kernel_t, out=all_gates)
            sigmoids.sigmoid_()
            g.tanh_()
            cell = torch.mul(f, cells[t], out=cells[t + 1]).addcmul_(i, g)
            last = o * torch.tanh(cell, out=tanh_cell)
            torch.mul(last, mask, out=states[t + 1])
        context.save_for_backward(gates, cells[:-1], tanh_cells, states[:-1], mask, kernel)
        return last

    @staticmethod
    def backward(context, by_state):
        gates, cells, tanh_cells, states, mask, kernel = context.saved_tensors
        i, f, o, g = gates.chunk(4, 2)
        by_sigmoid, by_tanh = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward
        by_gates = torch.empty_like(gates)  # first the factors, then the cotangents
        by_i, by_f, by_o, by_g = by_gates.chunk(4, 2)
        by_sigmoid.grad_input(g, i, grad_input=by_i)
        by_sigmoid.grad_input(cells, f, grad_input=by_f)
        by_sigmoid.grad_input(tanh_cells, o, grad_input=by_o)
        by_tanh.grad_input(i, g, grad_input=by_g)
        each = [part.unbind(0)[::-1] for part in (by_gates, by_gates.unflatten(2, (4, -1)), by_tanh(o, tanh_cells), f)]
        by_cell = torch.zeros_like(by_state)
        for by_all, by_each, factor, kept in zip(*each, strict=True):
            by_cell = torch.addcmul(by_cell, by_state, factor)
            by_each.mul_(torch.stack((by_cell, by_cell, by_state, by_cell), 1))
            by_cell.mul_(kept)
            by_state = torch.mm(by_all, kernel).mul_(mask)
        return by_gates, None, torch.mm(by_gates.flatten(0, 1).t(), states.flatten(0, 1))


class Last(nn.Module):
    """The last state of an LSTM with one mask for the inputs of all steps and one for the states.

    Arguments:
        layer: the ``nn.LSTM`` whose weights it has; where nothing is dropped, while predicting, it is the fused layer.
        dropout: the rate of both masks.
    """

    def __init__(self, layer, dropout):
        super().__init__()
        self.layer, self.dropout = layer, dropout

    def forward(self, x):
        if not self.training:
            return self.layer(x)[1][0].squeeze(0)
        layer, units = self.layer, self.layer.hidden_size
        x = x * functional.dropout(x.new_ones(len(x), 1, x.shape[2]), self.dropout)
        mask = functional.dropout(x.new_ones(len(x), units), self.dropout)
        bias = layer.bias_ih_l0 + layer.bias_hh_l0
        kernel, recurrent, bias = (
            torch.cat((w[: 2 * units], w[3 * units :], w[2 * units : 3 * units]))  # its gates lie as i, f, g, o
            for w in (layer.weight_ih_l0, layer.weight_hh_l0, bias)
        )
        return Steps.apply(functional.linear(x.transpose(0, 1), kernel, bias), mask, recurrent)
