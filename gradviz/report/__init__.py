"""The report: the evidence of one or several seeds as a stand-alone HTML page, a Markdown file and pictures."""
