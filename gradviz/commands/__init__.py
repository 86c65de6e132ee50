"""The commands, one module each; `gradviz.cli` imports only the requested one."""
