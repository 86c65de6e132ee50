"""Computes answers, in this process or in workers, with a cache that all processes share."""
