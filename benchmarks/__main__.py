"""Command line: `python -m benchmarks --help`."""

import argparse
import json
import os
import sys

from benchmarks.cases import CASES
from benchmarks.peers import GROUPS, PEERS, interpreters
from benchmarks.report import markdown, plot
from benchmarks.rounds import TIMED_VERBS, main_loop

VERBS = (*TIMED_VERBS, "first_step", "import", "memory")


def names(allowed):
    """An argparse type: names separated by commas, each one of `allowed`."""

    def parse(text):
        chosen = [name for name in text.split(",") if name]
        unknown = [name for name in chosen if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown} not among {', '.join(allowed)}")
        return chosen

    return parse


def options_from(arguments):
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed beside other frameworks.")
    parser.add_argument("--models", type=names(CASES), default=list(CASES), help="of " + ", ".join(CASES))
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS), help="of " + ", ".join(PEERS))
    parser.add_argument("--verbs", type=names(VERBS), default=list(VERBS), help="of " + ", ".join(VERBS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", action="append", default=[], metavar="GROUP=PATH",
                        help=f"interpreter of a group of peers ({', '.join(GROUPS)}); default: this one")
    parser.add_argument("--env", metavar="FILE", help="file of GROUP=PATH lines")
    parser.add_argument("--nice", action="store_true", help="run before all other processes (needs root)")
    parser.add_argument("--out", metavar="FOLDER", help="where results.json, results.md and results.png go")
    parser.add_argument("--log", metavar="FILE", default=os.devnull, help="what the peers print")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Measure, print the tables, and write them where asked."""
    options = options_from(arguments)
    with open(options.log, "w") as log:
        measured = main_loop(options, interpreters(options.python, options.env), log)
    text = markdown(measured)
    print(text)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
        with open(os.path.join(options.out, "results.json"), "w") as file:
            json.dump(measured, file, indent=1)
        with open(os.path.join(options.out, "results.md"), "w") as file:
            file.write(text)
        if not plot(measured, os.path.join(options.out, "results.png")):
            print("no plot: matplotlib is not installed here", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
