"""Files and configurations broken at random, in a fixed order: whatever they hold, reading ends in a documented way.

    python -m tests.fuzz_saving --count 20000 [--start 0]

A case is its number: it decides the recorded file, what is broken in it, and how it is read, so that any case can be
run again alone by ``--start NUMBER --count 1``. Cases run in child processes of limited memory and processor time, so
that a crash, a hang or too much memory is a finding like a wrong exception is one.
"""

import argparse
import collections
import copy
import io
import json
import os
import pathlib
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
import zipfile

import numpy as np

from onnxseq import backend as K
from onnxseq.models import load_model, model_from_config, model_from_json, model_from_yaml
from onnxseq.saving.report import report

FILES = pathlib.Path(__file__).parent / "files"

DOCUMENTED = (OSError, ValueError, TypeError, KeyError, NotImplementedError)
"""What reading a file or a configuration may raise, and nothing else."""

MOST_SECONDS = 30
"""Processor time of one case; what is measured is some tenths of a second."""

MOST_BYTES = 1 << 30
"""Memory that one case may take beside what the imported library takes."""

BATCH = 200
"""Cases of one child process."""

LAMBDA = {"class_name": "Lambda", "config": {"name": "evil", "function": ["4wAAAA==", None, None],
                                             "function_type": "lambda", "arguments": {}}}
SCALARS = (None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, 10**30, -(10**9), 0.5, -0.0, 1e308, float("nan"),
           float("inf"), "", "x", "/", "../x", "relu", "Dense", "lambda", "__lambda__", "\0", "\ud800", "é" * 300)
TREES = ([], {}, [[]], [None], {"": None}, LAMBDA, {"class_name": "Popen", "config": {}},
         {"class_name": [], "config": 1},
         {"class_name": "Model", "config": {"layers": [], "input_layers": [], "output_layers": []}},
         {"class_name": "Sequential", "config": []}, {"module": "os", "class_name": "system", "config": {}},
         [["x", 0, 0]], [[["x", 0, 0, {}]]])
NUMBERS = (0, 1, 2, 8, 0x7F, 0x80, 0xFF, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 48, 1 << 63, (1 << 64) - 1)


class Undocumented(Exception):
    """A case ended in a way that no documentation speaks of."""


def recorded(*endings):
    """Return the recorded files of some endings, in a fixed order."""
    return sorted(path for path in FILES.rglob("*") if path.name.endswith(endings))


# Bytes.


def broken_bytes(content, random, other=b""):
    """Return bytes with a few places changed: bits, numbers, blocks, or the length."""
    content = bytearray(content)
    for _ in range(1 + int(random.geometric(0.5))):
        if not content:
            break
        place = int(random.randint(len(content)))
        BREAKS[random.randint(len(BREAKS))](content, place, random, other)
    return bytes(content)


def _flip(content, place, random, other):
    content[place] ^= 1 << random.randint(8)


def _byte(content, place, random, other):
    content[place] = random.randint(256)


def _number(content, place, random, other):
    size = (1, 2, 4, 8)[random.randint(4)]
    place -= place % size
    value = NUMBERS[random.randint(len(NUMBERS))] if random.rand() < 0.6 else random.randint(len(content))
    content[place : place + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def _copy(content, place, random, other):
    length, target = random.randint(1, 64), random.randint(len(content))
    content[target : target + length] = content[place : place + length]


def _splice(content, place, random, other):
    if other:
        length = random.randint(1, 512)
        start = random.randint(len(other))
        content[place : place + length] = other[start : start + length]


def _cut(content, place, random, other):
    if random.rand() < 0.2:
        del content[place:]
    else:
        del content[place : place + random.randint(1, 16)]


def _insert(content, place, random, other):
    content[place:place] = bytes(random.randint(256, size=random.randint(1, 16)).tolist())


BREAKS = (_flip, _flip, _byte, _number, _number, _number, _copy, _splice, _cut, _insert)


# Configurations.


def broken_tree(tree, random):
    """Return a configuration with a few of its values changed, left out, doubled, exchanged or added."""
    tree = copy.deepcopy(tree)
    for _ in range(int(random.geometric(0.6))):
        places = list(_places(tree))
        if not places:
            break
        holder, key = places[random.randint(len(places))]
        act = random.randint(8)
        if act < 3:
            holder[key] = SCALARS[random.randint(len(SCALARS))]
        elif act == 3:
            holder[key] = copy.deepcopy(TREES[random.randint(len(TREES))])
        elif act == 4:
            del holder[key]
        elif act == 5 and isinstance(holder, list):
            holder.insert(random.randint(len(holder) + 1), copy.deepcopy(holder[key]))
        elif act == 6:
            source, place = places[random.randint(len(places))]
            holder[key] = copy.deepcopy(source[place]) if place in source or isinstance(source, list) else None
        elif isinstance(holder, dict):
            names = [place for _, place in places if isinstance(place, str)]
            holder[names[random.randint(len(names))] if names else "x"] = holder.pop(key)
    return tree


def _places(tree):
    todo = [tree]
    while todo:
        holder = todo.pop()
        keys = range(len(holder)) if isinstance(holder, list) else list(holder)
        for key in keys:
            yield holder, key
            if isinstance(holder[key], list | dict):
                todo.append(holder[key])


def broken_configs(content, random):
    """Return a file of bytes in which one JSON text is replaced by a broken one that is no longer."""
    starts = [found.start(1) for found in re.finditer(rb'(?:^|\0)(\{")', content)]
    if not starts:
        return broken_bytes(content, random)
    start = starts[random.randint(len(starts))]
    end = start
    while 32 <= content[end] < 127:
        end += 1
    try:
        tree = json.loads(content[start:end])
    except ValueError:
        return broken_bytes(content, random)
    text = json.dumps(broken_tree(tree, random), separators=(",", ":")).encode()
    return content[:start] + text[: end - start].ljust(end - start) + content[end:]


def broken_archive(content, random):
    """Return a zip archive with one member broken, or the archive as such."""
    if random.rand() < 0.3:
        return broken_bytes(content, random)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = sorted(members)[random.randint(len(members))]
    if name.endswith(".json"):
        members[name] = json.dumps(broken_tree(json.loads(members[name]), random)).encode()
    elif random.rand() < 0.9:
        members[name] = broken_bytes(members[name], random)
    else:
        # Not every zipfile writes an empty name.
        members[str(SCALARS[random.randint(len(SCALARS) - 3)]) or " "] = members.pop(name)
    image = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(image, "w", random.choice([0, 8])) as archive:
        warnings.simplefilter("ignore")
        for name, member in members.items():
            archive.writestr(name, member)
    return image.getvalue()


# Cases.


def read_file(number, random, folder):
    """Load a broken file: as a whole model, or its weights into a model."""
    files = recorded(".h5")
    path = files[random.randint(len(files))]
    content = path.read_bytes()
    if random.rand() < 0.4:
        broken = broken_configs(content, random)
    else:
        broken = broken_bytes(content, random, files[random.randint(len(files))].read_bytes())
    place = folder / "broken.h5"
    place.write_bytes(broken)
    if path.name.endswith(".weights.h5"):
        whole = path.with_name(path.name.replace(".weights.h5", ".h5"))
        if not whole.exists():
            return load_model(place)
        model = load_model(whole, compile=False)
        before = model.get_weights()
        try:
            model.load_weights(place, by_name=bool(random.randint(2)))
        except DOCUMENTED:
            for old, new in zip(before, model.get_weights(), strict=True):
                if not np.array_equal(old, new):
                    raise Undocumented("refused weights changed the model") from None
            raise
        return model
    return load(place, random)


def load(path, random):
    """Tell what a broken model holds, then load it."""
    report(path)
    return load_model(path, compile=bool(random.randint(2)))


def read_archive(number, random, folder):
    """Load a broken archive."""
    files = recorded(".keras")
    place = folder / "broken.keras"
    place.write_bytes(broken_archive(files[random.randint(len(files))].read_bytes(), random))
    return load(place, random)


def read_config(number, random, folder):
    """Make a model of a broken configuration: as JSON, as YAML, or as it is."""
    files = recorded(".json")
    files = [path for path in files if path.name != "version.json"]
    content = files[random.randint(len(files))].read_text()
    if random.rand() < 0.2:
        return model_from_json(broken_bytes(content.encode(), random).decode("utf-8", "replace"))
    tree = broken_tree(json.loads(content), random)
    if random.rand() < 0.6:
        return model_from_json(json.dumps(tree))
    return model_from_config(tree)


def read_yaml(number, random, folder):
    """Make a model of a broken YAML text."""
    files = recorded(".yaml")
    content = files[random.randint(len(files))].read_bytes()
    other = files[random.randint(len(files))].read_bytes()
    return model_from_yaml(broken_bytes(content, random, other).decode("utf-8", "replace"))


READERS = (read_file, read_file, read_file, read_file, read_file, read_file, read_archive, read_config, read_config,
           read_yaml)


def run_case(number, folder):
    """Run a case; return what became of it: 'loaded' or the name of a documented exception.

    Raises:
        Undocumented: Anything else.
    """
    random = np.random.RandomState(number)
    reader = READERS[number % len(READERS)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader(number, random, folder)
        found = "loaded"
    except DOCUMENTED as error:
        found = type(error).__name__
    except Undocumented:
        raise
    except Exception as error:
        raise Undocumented(f"case {number} ({reader.__name__}): {type(error).__name__}: {error}") from error
    finally:
        K.clear_session()
    return found


# Many cases, in children.


def _run_child(numbers, pipe, folder):
    """Run cases in this process, and tell of each on a pipe; the process ends with it."""
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, used + MOST_BYTES))
    for number in numbers:
        # A limit of processor time ends in SIGPROF, which kills: a hang is seen whatever it is in.
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        start = time.process_time()
        os.write(pipe, f"{number} start\n".encode())
        try:
            found = run_case(number, folder)
        except Undocumented as error:
            found = "UNDOCUMENTED " + " ".join(str(error).split())[:300]
        os.write(pipe, f"{number} {time.process_time() - start:.3f} {found}\n".encode())


def run(count, start=0, report=print):
    """Run cases in children; return how often each outcome came, the findings, and the longest time of a case."""
    outcomes, findings, longest = collections.Counter(), [], (0.0, -1)
    todo = list(range(start, start + count))
    with tempfile.TemporaryDirectory() as folder:
        while todo:
            reading, writing = os.pipe()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of forks where there are threads: none of them is used
                child = os.fork()
            if child == 0:
                os.close(reading)
                try:
                    _run_child(todo[:BATCH], writing, pathlib.Path(folder))
                finally:
                    os._exit(0)
            os.close(writing)
            with open(reading) as lines:
                seen = [line.split(" ", 2) for line in lines.read().splitlines()]
            _, status = os.waitpid(child, 0)
            done = [line for line in seen if len(line) == 3]
            for number, seconds, found in done:
                longest = max(longest, (float(seconds), int(number)))
                outcomes[found.split(" ")[0]] += 1
                if found.startswith("UNDOCUMENTED"):
                    findings.append(found)
                    report(found)
            reached = len(done)
            if status or reached < len(todo[:BATCH]):
                findings.append(f"case {todo[reached]}: the process ended with status {status}")
                outcomes["DIED"] += 1
                report(findings[-1])
                reached += 1
            todo = todo[reached:]
            if not (len(todo) // BATCH) % 10:
                report(f"{len(todo)} cases left")
    return outcomes, findings, longest


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_saving", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=20000, help="how many cases (default: 20000)")
    parser.add_argument("--start", type=int, default=0, help="the first case's number (default: 0)")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    outcomes, findings, longest = run(options.count, options.start, lambda line: print(line, flush=True))
    print(f"{options.count} cases in {time.monotonic() - start:.0f} s: {dict(outcomes.most_common())}; "
          f"{len(findings)} findings; the longest took {longest[0]:.2f} s (case {longest[1]})")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
