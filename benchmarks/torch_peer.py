"""Raw PyTorch: the loop that an experienced user writes by hand, eager or through torch.compile."""

import functools
import importlib
import time


def network(nn, name, steps=False):
    """The same models as in cases.py, channels first, logits out; `steps` as for TorchPeer."""
    same = {"padding": 1, "bias": False}
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 512), nn.ReLU(),
                             nn.Dropout(0.2), nn.Linear(512, 10))
    if name == "cnn":
        return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                             nn.Dropout(0.25), nn.Flatten(), nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Dropout(0.5),
                             nn.Linear(128, 10))
    if name == "bncnn":
        blocks = []
        for num_in, num_out in ((3, 32), (32, 64), (64, 128)):
            blocks += [nn.Conv2d(num_in, num_out, 3, **same), nn.BatchNorm2d(num_out, eps=1e-3, momentum=0.01),
                       nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))
    if name == "separable":
        layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU()]
        for num_in, num_out, stride in ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2)):
            layers += [nn.Conv2d(num_in, num_in, 3, stride, 1, groups=num_in, bias=False),
                       nn.Conv2d(num_in, num_out, 1), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))
    if name == "transpose":
        return nn.Sequential(
            nn.Linear(64, 7 * 7 * 64), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 64, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 3, 1, 1), nn.Sigmoid())
    if name == "conv3d":
        return nn.Sequential(nn.Conv3d(1, 16, 3), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(16, 32, 3), nn.ReLU(),
                             nn.MaxPool3d(2), nn.Flatten(), nn.Linear(32 * 2 * 6 * 6, 64), nn.ReLU(), nn.Linear(64, 10))
    if name == "local":
        return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2), locally(nn, 16, 16, 15), nn.ReLU(),
                             locally(nn, 16, 16, 13), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 11 * 11, 10))
    if name == "lstm":
        last = importlib.import_module("benchmarks.torch_steps").Last if steps else functools.partial(recurrent, nn)
        return nn.Sequential(nn.Embedding(20000, 128), last(nn.LSTM(128, 128, batch_first=True), 0.2),
                             nn.Linear(128, 1))
    if name == "textgen":
        return nn.Sequential(recurrent(nn, nn.LSTM(57, 128, batch_first=True)), nn.Linear(128, 57))
    if name == "gru":
        return nn.Sequential(recurrent(nn, nn.GRU(16, 64, batch_first=True, bidirectional=True)), nn.Linear(128, 1))
    if name == "tiny":
        return nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    return nn.Sequential(nn.Embedding(5000, 50), nn.Dropout(0.2), Swap(nn)(), nn.Conv1d(50, 250, 3), nn.ReLU(),
                         nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(250, 250), nn.Dropout(0.2), nn.ReLU(),
                         nn.Linear(250, 1))


def locally(nn, num_in, num_out, size):
    """The locally connected layer that one writes: windows of 3x3 unfolded, each times a matrix of its own."""
    torch = importlib.import_module("torch")
    places = (size - 2) ** 2

    class Locally(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(places, 9 * num_in, num_out) * 0.05)
            self.bias = nn.Parameter(torch.zeros(places, 1, num_out))

        def forward(self, x):
            seen = nn.functional.unfold(x, 3).permute(2, 0, 1)
            y = torch.baddbmm(self.bias, seen, self.kernel)
            return y.permute(1, 2, 0).reshape(len(x), num_out, size - 2, size - 2)

    return Locally()


def recurrent(nn, layer, dropout=0.0):
    """A recurrent layer of which the last states are read, with one dropout mask for the inputs of all steps.

    Its state is not dropped: the fused layer, which one takes for speed, cannot. What can: torch_steps.py.
    """

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            if dropout and self.training:
                x = x * nn.functional.dropout(x.new_ones(len(x), 1, x.shape[2]), dropout)
            state = self.layer(x)[1]
            state = state[0] if isinstance(state, tuple) else state
            return state.transpose(0, 1).flatten(1)

    return Last()


def Swap(nn):  # noqa: N802 (returns a class)
    """The module class that puts the channels of a sequence first."""

    class SwapAxes(nn.Module):
        def forward(self, x):
            return x.transpose(1, 2)

    return SwapAxes


class TorchPeer:
    """One model, its optimizer and its data.

    Arguments:
        compiled: True to run model and loss through torch.compile.
        case: the benchmarks.cases.Case whose data and sizes are taken.
        steps: True for a recurrent layer that goes step by step and drops its state, False for the fused one.
    """

    def __init__(self, compiled, case, steps=False):
        self.case = case
        start = time.perf_counter()
        self.torch = torch = importlib.import_module("torch")
        self.import_seconds = time.perf_counter() - start
        torch.set_num_threads(2)
        self.version = torch.__version__
        x, y = case.data(case.steps)
        x_predict, _ = case.data(case.predict_batches, seed=8)
        self.x, self.x_predict = self.inputs(x), self.inputs(x_predict)
        self.sample = x[:1]
        self.y = self.inputs(y) if case.target_shape else torch.from_numpy(y.argmax(1) if case.classes > 1 else y)
        self.model = network(torch.nn, case.name, steps)
        if len(case.input_shape) == 3 or case.target_shape:
            self.model = self.model.to(memory_format=torch.channels_last)
        elif len(case.input_shape) == 4:
            self.model = self.model.to(memory_format=torch.channels_last_3d)
        self.loss = {"categorical_crossentropy": torch.nn.functional.cross_entropy,
                     "binary_crossentropy": torch.nn.functional.binary_cross_entropy_with_logits,
                     "mean_squared_error": torch.nn.functional.mse_loss}[case.compile_arguments["loss"]]
        self.activation = {"categorical_crossentropy": lambda z: torch.softmax(z, 1),
                           "binary_crossentropy": torch.sigmoid,
                           "mean_squared_error": lambda z: z}[case.compile_arguments["loss"]]
        parameters = self.model.parameters()
        self.optimizer = {"rmsprop": lambda: torch.optim.RMSprop(parameters, lr=1e-3, foreach=True),
                          "adadelta": lambda: torch.optim.Adadelta(parameters, foreach=True),
                          "adam": lambda: torch.optim.Adam(parameters, fused=True),
                          "sgd": lambda: torch.optim.SGD(parameters, lr=0.01, fused=True),
                          }[case.compile_arguments["optimizer"]]()
        self.forward = torch.compile(self.model) if compiled else self.model
        self.wants_accuracy = bool(case.compile_arguments.get("metrics"))
        start = time.perf_counter()
        self.step(slice(0, case.batch))
        self.first_step_seconds = time.perf_counter() - start

    def inputs(self, array):
        """The array as a tensor; images and volumes channels first in shape, channels last in memory."""
        tensor = self.torch.from_numpy(array)
        if array.ndim > 3:
            return tensor.movedim(-1, 1)
        return tensor.long() if self.case.vocabulary else tensor

    def warm_up(self, verb):
        """Run `verb` once unmeasured."""
        getattr(self, verb)()

    def step(self, index):
        """One training step; returns loss and number of right answers, both still tensors."""
        x, y = self.x[index], self.y[index]
        self.optimizer.zero_grad(set_to_none=True)
        output = self.forward(x)
        loss = self.loss(output, y)
        loss.backward()
        self.optimizer.step()
        if not self.wants_accuracy:
            return loss.detach(), 0
        with self.torch.no_grad():
            right = output.argmax(1) == y if self.case.classes > 1 else (output > 0) == (y > 0.5)
            return loss.detach(), right.sum()

    def train(self):
        """Seconds per training step of a shuffled epoch, with loss and accuracy of the epoch."""
        start = time.perf_counter()
        self.model.train()
        order = self.torch.randperm(len(self.x))
        losses, rights = 0, 0
        for first in range(0, len(order), self.case.batch):
            loss, right = self.step(order[first : first + self.case.batch])
            losses, rights = losses + loss, rights + right
        float(losses), float(rights)
        return (time.perf_counter() - start) / self.case.steps

    def predict(self):
        """Seconds per batch of inference over an array."""
        start = time.perf_counter()
        self.model.eval()
        with self.torch.inference_mode():
            results = [self.activation(self.forward(x)) for x in self.x_predict.split(self.case.batch)]
            self.torch.cat(results).numpy()
        return (time.perf_counter() - start) / self.case.predict_batches

    def latency(self, repeats=50):
        """Seconds from an array of one sample to an array with its answer: the median of `repeats`."""
        self.model.eval()
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            with self.torch.inference_mode():
                self.activation(self.forward(self.inputs(self.sample))).numpy()
            seconds.append(time.perf_counter() - start)
        return sorted(seconds)[repeats // 2]

    def small_steps(self, num_steps):
        """Train `num_steps` steps."""
        for _ in range(max(1, num_steps // self.case.steps)):
            self.train()
