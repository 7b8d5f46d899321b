"""The recorded results of the oracle: one pair of files per family under `record/`."""

import collections
import pathlib

from . import results
from .case import CASES, family_of

FOLDER = pathlib.Path(__file__).resolve().parent / "record"
HOW = "python -m conformance record --python PATH_OF_A_PYTHON_3.6_WITH_TENSORFLOW_1.4"


def load_family(family):
    """({case: fields}, facts) of the family, both empty where nothing has been recorded."""
    stem = FOLDER / family
    if not stem.with_suffix(".json").exists():
        return {}, {}
    return results.load(stem)


def load(names):
    """{case: recorded fields} for those of the names that have been recorded."""
    recorded = {}
    for family in sorted(set(map(family_of, names))):
        recorded.update(load_family(family)[0])
    return {name: recorded[name] for name in names if name in recorded}


def save(measured, versions):
    """Writes the measured cases into their families; what is recorded for other existing cases stays."""
    for family in sorted(set(map(family_of, measured))):
        kept = {name: fields for name, fields in load_family(family)[0].items() if name in CASES}
        kept.update({name: fields for name, fields in measured.items() if family_of(name) == family})
        facts = collections.OrderedDict([("recorded by", versions), ("record again by", HOW)])
        results.save(FOLDER / family, kept, facts)


def versions(names):
    """The versions that recorded the cases, over all their families."""
    found = {}
    for family in sorted(set(map(family_of, names))):
        found.update(load_family(family)[1].get("recorded by", {}))
    return found
