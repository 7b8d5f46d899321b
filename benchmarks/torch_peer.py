"""Raw PyTorch: the loop that an experienced user writes by hand, eager or through torch.compile."""

import importlib
import time


def network(nn, name):
    """The same five models as in cases.py, channels first, logits out."""
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
    if name == "tiny":
        return nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    return nn.Sequential(nn.Embedding(5000, 50), nn.Dropout(0.2), Swap(nn)(), nn.Conv1d(50, 250, 3), nn.ReLU(),
                         nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(250, 250), nn.Dropout(0.2), nn.ReLU(),
                         nn.Linear(250, 1))


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
    """

    def __init__(self, compiled, case):
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
        self.y = torch.from_numpy(y.argmax(1) if case.classes > 1 else y)
        self.model = network(torch.nn, case.name)
        if len(case.input_shape) == 3:
            self.model = self.model.to(memory_format=torch.channels_last)
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
        """The array as a tensor; images channels first in shape, channels last in memory."""
        tensor = self.torch.from_numpy(array)
        return tensor.permute(0, 3, 1, 2) if array.ndim == 4 else tensor.long() if self.case.vocabulary else tensor

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
