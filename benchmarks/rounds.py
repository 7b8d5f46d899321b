"""Interleaved rounds: every live peer in turn, one active at a time, so that a slow minute hurts all alike."""

import statistics
import subprocess
import sys
import time

from benchmarks.cases import CASES
from benchmarks.peers import PEERS, Peer, PeerFailed, peers_for

TIMED_VERBS = ("train", "predict", "latency")
MEMORY_STEPS = 10_000


def measure_model(model, peer_names, pythons, verbs, num_rounds, first, log):
    """Time one model on all peers that are for it.

    Returns:
        {peer: {"version", "first_step", "import", verb: [seconds of each round], "memory": megabytes}} and
        {peer: why it is missing}.
    """
    live, results, missing = {}, {}, {}
    try:
        for name in peers_for(CASES[model], peer_names):
            peer = Peer(name, pythons[PEERS[name][0]], first, log)
            live[name] = peer
            attempt(live, missing, name, lambda peer=peer, name=name: results.update(
                {name: peer.ask(do="setup", peer=name, model=model)}))
        for verb in (verb for verb in TIMED_VERBS if verb in verbs):
            for name, peer in list(live.items()):
                attempt(live, missing, name, lambda peer=peer: peer.ask(do="warm_up", verb=verb))  # noqa: B023
            for number in range(num_rounds):
                # Alternate directions, so that no peer always follows the same one.
                for name in list(live)[:: 1 if number % 2 else -1]:
                    attempt(live, missing, name, lambda name=name: results[name].setdefault(verb, []).append(  # noqa: B023
                        live[name].ask(do="measure", verb=verb)["seconds"]))  # noqa: B023
            say(summary_line(model, verb, results))
        if "memory" in verbs and model == "tiny":
            for name in list(live):
                attempt(live, missing, name, lambda name=name: results[name].update(
                    memory=live[name].ask(do="memory", steps=MEMORY_STEPS)["megabytes"]))
    finally:
        for peer in list(live.values()):
            peer.end()
    for name, reason in missing.items():
        say(f"{model}: without {name} ({reason})")
    return {name: result for name, result in results.items() if name not in missing}, missing


def say(text):
    """Progress goes to stderr, the tables to stdout."""
    print(text, file=sys.stderr, flush=True)


def attempt(live, missing, name, action):
    """Do one thing with a peer; a peer that fails leaves the rounds."""
    try:
        action()
    except PeerFailed as error:
        missing[name] = str(error)
        live.pop(name).end()


def summary_line(model, verb, results):
    """One line for the screen: the peers' medians in milliseconds, fastest first."""
    medians = {name: statistics.median(result[verb]) * 1e3 for name, result in results.items() if verb in result}
    ranked = sorted(medians.items(), key=lambda item: item[1])
    return f"{model} {verb}: " + ", ".join(f"{name} {milliseconds:.3f}" for name, milliseconds in ranked) + " ms"


def import_seconds(python, module, num_rounds):
    """Seconds that a fresh interpreter takes for `import module`, its own start excluded: the median of rounds."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    seconds = []
    for _ in range(num_rounds + 1):
        done = subprocess.run([python, "-W", "ignore", "-c", code], capture_output=True, text=True)
        if done.returncode:
            return None
        seconds.append(float(done.stdout.split()[-1]))
    return statistics.median(seconds[1:])


def measure_imports(peer_names, pythons, num_rounds):
    """Seconds of the import alone of each of our flavours."""
    found = {name: import_seconds(pythons[PEERS[name][0]], "onnxseq", num_rounds)
             for name in peer_names if name.startswith("onnxseq")}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def main_loop(options, pythons, log):
    """All models in turn; returns everything measured as one plain dictionary."""
    started = time.time()
    models = {}
    for model in options.models:
        results, missing = measure_model(model, options.peers, pythons, options.verbs, options.rounds, options.nice,
                                         log)
        models[model] = {"results": results, "missing": missing}
    imports = measure_imports(options.peers, pythons, options.rounds) if "import" in options.verbs else {}
    return {"models": models, "import": imports, "rounds": options.rounds, "seconds": time.time() - started}
