"""The studies that ship, each a package whose module `study` has a `STUDY`."""
