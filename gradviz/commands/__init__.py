"""What each command does, one module a command; `gradviz.cli` imports the one that was asked for."""
