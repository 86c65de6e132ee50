"""Dash's callbacks: thin calls of functions in the page's JavaScript and a few in Python."""
