"""What a notebook opens of gradviz: the dashboard and a single landscape, over the session's own models."""
