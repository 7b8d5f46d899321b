"""Peers as processes: how each is started, asked, put to sleep between its turns, and ended."""

import json
import os
import signal
import subprocess
import sys

# Peer -> (the group whose interpreter runs it, its environment).
PEERS = {
    "onnxseq": ("onnxseq", {}),
    "onnxseq-training": ("onnxseq-training", {}),
    "torch": ("peers", {}),
    "torch-steps": ("peers", {}),
    "torch-compile": ("peers", {}),
    "keras-jax": ("peers", {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}),
    "keras-torch": ("peers", {"KERAS_BACKEND": "torch"}),
    "keras-tensorflow": ("peers", {"KERAS_BACKEND": "tensorflow"}),
    "tf_keras": ("peers", {"TF_USE_LEGACY_KERAS": "1"}),
    "tf-1.4": ("tf14", {}),
}
# Peers that are for some models alone -> whether a model is one of them.
ONLY_FOR = {"torch-steps": lambda case: case.drops_state}
# Peers that leave out a part of some models' training -> whether a model is one of them. They are timed and shown, but
# are no measure of a model which they don't compute.
LEAVES_OUT = {name: lambda case: case.drops_state for name in ("torch", "torch-compile")}
OURS = ("onnxseq", "onnxseq-training")
GROUPS = tuple(dict.fromkeys(group for group, _ in PEERS.values()))
NUM_THREADS = 2


def peers_for(case, names):
    """Those of the named peers that a model has a use for."""
    return [name for name in names if name not in ONLY_FOR or ONLY_FOR[name](case)]


def leaves_out(name, case, verb):
    """Whether a peer computes less than what a model is when it is trained."""
    return verb == "train" and name in LEAVES_OUT and LEAVES_OUT[name](case)


class PeerFailed(Exception):
    """A peer is not installed, or failed while it ran."""


class Peer:
    """The live process of one peer with one model.

    Arguments:
        name: a key of PEERS.
        python: path of the interpreter.
        first: True to run before all other processes (root only), so that other load does not disturb.
        log: file object that takes what the process prints.
    """

    def __init__(self, name, python, first, log):
        self.name = name
        threads = str(NUM_THREADS)
        environment = dict(os.environ, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads,
                           TF_NUM_INTRAOP_THREADS=threads, TF_NUM_INTEROP_THREADS=threads,
                           TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", **PEERS[name][1])
        command = [python, "-W", "ignore", "-m", "benchmarks.worker"]
        if first:
            # No real-time priority: Linux stops real-time processes for 50 ms of each second, whosever turn it is.
            command = ["nice", "-n", "-20", *command]
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=root,
                                        env=environment, text=True, preexec_fn=keep_to_two_cores)

    def ask(self, **command):
        """Send one command and return its answer; the process sleeps before and after."""
        try:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise PeerFailed(f"{self.name}: the process ended (status {self.process.wait()}); the log says why")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerFailed(f"{self.name}: {answer['error']}")
        # An idle thread pool may spin; a stopped process takes nothing from the peer whose turn it is.
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def end(self):
        """End the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def keep_to_two_cores():
    """Confine the calling process to two of its cores (where the platform can)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:NUM_THREADS])


def interpreters(pairs, env_file=None):
    """Interpreter of each group, from `group=path` pairs and from a file of such lines; pairs win.

    Raises:
        ValueError: a pair names no group.
    """
    lines = []
    if env_file:
        with open(env_file) as file:
            lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    found = dict.fromkeys(GROUPS, sys.executable)
    for pair in [*lines, *pairs]:
        group, separator, path = pair.partition("=")
        if not separator or group not in GROUPS:
            raise ValueError(f"--python: {pair!r}; expected group=path with group one of {GROUPS}.")
        found[group] = path
    return found
