"""Results of cases on disk: arrays in one compressed .npz, texts and outcomes in one .json beside it.

Plain arrays and plain JSON only: neither file can hold code, and the texts can be read in a review.
"""

import collections
import io
import json
import zipfile

import numpy as np

from .case import Absent, Outcome

SEPARATOR = "|"


def split(results):
    """{case: {field: value}} as (arrays by 'case|field', texts by case)."""
    arrays, texts = collections.OrderedDict(), collections.OrderedDict()
    for name in sorted(results):
        texts[name] = collections.OrderedDict()
        for field in sorted(results[name]):
            value = results[name][field]
            if isinstance(value, Outcome):
                texts[name][field] = {"raises": value.names}
            elif isinstance(value, Absent):
                texts[name][field] = {"absent": str(value)}
            elif isinstance(value, str):
                texts[name][field] = value.split("\n")
            else:
                array = np.asarray(value)
                if array.dtype.kind not in "biuf":
                    raise TypeError(
                        "{}: field {!r} is {!r}; expected numbers, a text or an outcome. "
                        "Give it through as_text().".format(name, field, value)
                    )
                arrays[name + SEPARATOR + field] = array
    return arrays, texts


def _value(written):
    """A text, an outcome or an absence, from what JSON holds of it."""
    if not isinstance(written, dict):
        return "\n".join(written)
    return Outcome(written["raises"]) if "raises" in written else Absent(written["absent"])


def join(arrays, texts):
    """The inverse of `split`."""
    results = {}
    for name in texts:
        results[name] = {}
        for field, value in texts[name].items():
            results[name][field] = _value(value)
    for key in arrays:
        name, field = key.split(SEPARATOR)
        results[name][field] = arrays[key]
    return results


def write_arrays(path, arrays):
    """As numpy.savez_compressed, with every entry dated alike: equal results make equal files."""
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        for key in arrays:
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(arrays[key]), allow_pickle=False)
            entry = zipfile.ZipInfo(key + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())


def read_arrays(path):
    with np.load(str(path), allow_pickle=False) as archive:
        return collections.OrderedDict((key, archive[key]) for key in archive.files)


def save(stem, results, facts=None):
    """Writes <stem>.npz and <stem>.json; facts are what the reader should know of where the results come from."""
    arrays, texts = split(results)
    write_arrays(str(stem) + ".npz", arrays)
    content = collections.OrderedDict(facts or {})
    content["cases"] = texts
    with open(str(stem) + ".json", "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


def load(stem):
    """(results, facts) as `save` was given them."""
    with open(str(stem) + ".json") as file:
        facts = json.load(file)
    return join(read_arrays(str(stem) + ".npz"), facts.pop("cases")), facts
