"""Answers questions in workers elsewhere, through Celery and Redis; imported only if GRADVIZ_COMPUTE says so."""
