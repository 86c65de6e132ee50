"""Where landscapes are computed: in this process, with a cache that all processes share."""
