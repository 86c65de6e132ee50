"""Questions answered by workers elsewhere, through Celery and Redis; imported only where GRADVIZ_COMPUTE says so."""
