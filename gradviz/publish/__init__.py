"""The dashboard as a site of static files: what it holds, asked of the server's own code, and its pages."""
