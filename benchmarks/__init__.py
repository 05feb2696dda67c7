"""Measurements that anyone can repeat; `docs/benchmarks.md` explains protocol and results."""
