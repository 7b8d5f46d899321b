"""A run on disk: a pair of result files per family, as the record has them, and `run.json` with where they are from."""

import collections
import datetime
import json
import pathlib
from typing import NamedTuple

from . import results, store
from .case import CASES, family_of

FACTS = "run.json"
ORACLE = "tf14"
RECORD = "record"  # what the command line calls the recorded results


class OtherRun(Exception):
    """Two runs that cannot be one."""


class Run(NamedTuple):
    """What one backend gave."""

    label: str
    backend: str
    provider: str
    versions: dict
    when: str
    seconds: dict
    results: dict

    @property
    def described(self):
        """The backend, its provider and its versions in one line."""
        provider = f" with {self.provider}" if self.provider else ""
        versions = ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))
        return f"{self.backend}{provider} on {versions}"


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def _by_family(by_case):
    families = collections.OrderedDict()
    for name, value in by_case.items():
        families.setdefault(family_of(name), {})[name] = value
    return families


def save(folder, run):
    """Writes a run; the folder is made where there is none, and holds this run alone afterwards."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / FACTS).exists():
        for old in json.loads((folder / FACTS).read_text(encoding="utf-8"))["families"]:
            for suffix in (".json", ".npz"):
                (folder / (old + suffix)).unlink(missing_ok=True)
    elif any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds files that are no run's; expected a new folder or that of an older run.")
    families = _by_family(run.results)
    for family, measured in families.items():
        results.save(folder / family, measured)
    facts = {"schema": 1, "families": list(families), **run._asdict()}
    del facts["results"]
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def updated(older, newer):
    """The older run with the newer one's cases added, or in the place of its own: both of one backend as installed."""
    for part in ("backend", "provider", "versions"):
        before, now_given = getattr(older, part), getattr(newer, part)
        if before != now_given:
            raise OtherRun(
                f"the run to be updated has {part} {before!r} and the new one {now_given!r}; expected the same. "
                "Run all of its cases anew, into a new folder."
            )
    return newer._replace(results={**older.results, **newer.results}, seconds={**older.seconds, **newer.seconds})


def _record():
    measured, versions = {}, {}
    for stem in sorted(store.FOLDER.glob("*.json")):
        family, facts = store.load_family(stem.stem)
        measured.update(family)
        versions.update(facts["recorded by"])
    return Run("record", ORACLE, None, versions, "", {}, measured)


def load(folder):
    """The run in a folder; the word `record`, or the record's folder, gives the recorded results."""
    if str(folder) == RECORD or pathlib.Path(folder).resolve() == store.FOLDER:
        run = _record()
    else:
        path = pathlib.Path(folder, FACTS)
        if not path.exists():
            raise FileNotFoundError(f"{folder} holds no run; expected what `run --output` wrote, or {RECORD!r}.")
        facts = json.loads(path.read_text(encoding="utf-8"))
        measured = {}
        for family in facts.pop("families"):
            measured.update(results.load(pathlib.Path(folder, family))[0])
        facts.pop("schema")
        run = Run(results=measured, **facts)
    # The order of the cases is that in which they are written; what is no case any more is left out.
    return run._replace(results={name: run.results[name] for name in CASES if name in run.results})
