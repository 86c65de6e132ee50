"""Directions in parameter space: their names, and the vectors that these stand for."""
