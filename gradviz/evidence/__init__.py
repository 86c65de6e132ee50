"""Evidence for and against the source's claims: measurements of a set of runs, and verdicts by stated rules."""
