"""Rewriting of graphs, one topic per file. The order of the passes stands in pipeline.py."""
