"""What happens when something is chosen: thin callbacks over functions of the page's JavaScript and a few in Python."""
