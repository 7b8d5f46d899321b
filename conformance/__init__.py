"""The documented API as cases, real TensorFlow 1.4 as their oracle, any backend on trial.

Everything that a backend's own process imports (case, cases, results, worker, backends) is written in syntax that
Python 3.6 reads, since that is what TensorFlow 1.4 runs under.
"""
