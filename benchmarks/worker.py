"""The process of one peer: reads commands, a JSON object a line, from stdin and answers each with one.

Commands: {"do": "setup", "peer": …, "model": …}, {"do": "warm_up", "verb": …}, {"do": "measure", "verb": …},
{"do": "memory", "steps": …}, {"do": "quit"}. An answer holds "error" where the command failed.
"""

import gc
import json
import os
import sys
import traceback

from benchmarks.cases import CASES
from benchmarks.keras_peer import KerasPeer
from benchmarks.torch_peer import TorchPeer

# What each peer is, by its name on the command line; the environment that it needs is in peers.py.
MAKERS = {
    "onnxseq": lambda case: KerasPeer("onnxseq", case),
    "onnxseq-training": lambda case: KerasPeer("onnxseq", case),
    "torch": lambda case: TorchPeer(False, case),
    "torch-steps": lambda case: TorchPeer(False, case, steps=True),
    "torch-compile": lambda case: TorchPeer(True, case),
    "keras-jax": lambda case: KerasPeer("keras", case),
    "keras-torch": lambda case: KerasPeer("keras", case),
    "keras-tensorflow": lambda case: KerasPeer("keras", case),
    "tf_keras": lambda case: KerasPeer("tf_keras", case),
    "tf-1.4": lambda case: KerasPeer("tensorflow", case),
}


def resident_megabytes():
    """Memory of this process that is in RAM."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory_growth(peer, steps):
    """Megabytes gained over `steps` steps, after a tenth as many to settle."""
    peer.small_steps(steps // 10)
    gc.collect()
    before = resident_megabytes()
    peer.small_steps(steps)
    gc.collect()
    return resident_megabytes() - before


def main():
    """Serve until told to quit or until the pipe closes."""
    # Libraries print to stdout; the answers must stay alone on theirs.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = None
    for line in iter(sys.stdin.readline, ""):
        command = json.loads(line)
        answer = {}
        try:
            if command["do"] == "quit":
                break
            if command["do"] == "setup":
                peer = MAKERS[command["peer"]](CASES[command["model"]])
                answer = {"version": peer.version, "import": peer.import_seconds,
                          "first_step": peer.first_step_seconds}
            elif command["do"] == "warm_up":
                peer.warm_up(command["verb"])
            elif command["do"] == "measure":
                answer = {"seconds": getattr(peer, command["verb"])()}
            elif command["do"] == "memory":
                answer = {"megabytes": memory_growth(peer, command["steps"])}
        except Exception as error:  # whatever a peer raises is an answer: the coordinator goes on without it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
